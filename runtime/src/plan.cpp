#include "plan.hpp"

#include <fnmatch.h>
#include <sched.h>

#include <chrono>
#include <fstream>
#include <set>
#include <thread>

#include "single.hpp"
#include "tuning.hpp"

namespace npurt {

// Cores that this process may use; threads that share a core count once.
int default_threads() {
  cpu_set_t mine;
  std::set<std::string> cores;
  if (sched_getaffinity(0, sizeof mine, &mine) == 0)
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (!CPU_ISSET(i, &mine)) continue;
      std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(i) + "/topology/thread_siblings_list");
      std::string siblings;
      if (std::getline(file, siblings)) cores.insert(siblings);
    }
  if (cores.empty()) return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return static_cast<int>(cores.size());
}

namespace {

void check_required(const PlannedGraph& g, const PlanOptions& options) {
  std::vector<Diagnostic> unmet_ones;
  std::set<std::string> used;
  each_node(g, [&](const PlanNode& p) {
    for (const auto& [pattern, device] : options.require)
      if (names_node(pattern, p.text.id)) used.insert(pattern);
    for (const std::string& n : p.placement.nodes)
      for (const auto& [pattern, device] : options.require)
        if (names_node(pattern, n)) used.insert(pattern);
    const std::string want = unmet(p, p.placement.device, p.placement.use, options);
    if (want.empty()) return;
    Diagnostic d{p.text.place,
                 "--require " + want + " is not met: node '" + p.text.id + "' runs on " + p.placement.device + " (" +
                     p.placement.use + ")",
                 {}};
    for (const Refusal& r : p.placement.refused) d.details.emplace_back("tried " + r.candidate, r.reason);
    unmet_ones.push_back(d);
  });
  for (const auto& [pattern, device] : options.require)
    if (!used.contains(pattern))
      unmet_ones.push_back({{}, "--require " + pattern + "=" + device + " is not met: no node is named so", {}});
  if (!unmet_ones.empty()) throw Error(Exit::require, unmet_ones);
}

// An option that names a node of a graph inside a stage can only be checked when all are planned.
void check_used(const PlannedGraph& g, const char* option, const std::vector<std::pair<std::string, std::string>>& patterns,
                std::vector<Diagnostic>& wrong) {
  for (const auto& [pattern, text] : patterns) {
    bool used = false;
    std::vector<std::string> ids;
    for (const Node& b : g.graph.blocks) ids.push_back(b.id);
    each_node(g, [&](const PlanNode& p) {
      ids.push_back(p.text.id);
      ids.insert(ids.end(), p.placement.nodes.begin(), p.placement.nodes.end());
    });
    for (const std::string& id : ids) used = used || fnmatch(pattern.c_str(), id.c_str(), 0) == 0;
    if (!used)
      wrong.push_back(
          {{g.graph.file},
           std::string(option) + " " + pattern + (text.empty() ? "" : "=" + text) + ": no node matches '" + pattern + "'",
           did_you_mean(pattern, ids)});
  }
}

}  // namespace

Plan::Plan(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;

// What is wrong with the graph or its options ends with Exit::input; a node that nobody takes, or a broken plugin, with
// Exit::plugin. Both kinds are reported together, and then the graph's come first.
Plan make_plan(const Graph& graph, Catalog& catalog, const PlanOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  auto body = std::make_unique<Plan::Body>();
  body->around.plugins = catalog.body().plugins;
  body->around.options = options;
  body->around.folder = std::filesystem::path(graph.file).parent_path();
  body->around.use = graph.use;
  body->around.isolate = graph.isolate;
  body->around.threads = options.threads > 0 ? options.threads : default_threads();

  if ((options.policy.empty() ? graph.policy : options.policy) == "measured" && !options.strict)
    body->around.tunings = read_tunings(options.tuning.empty() ? tuning_cache() : options.tuning);

  // The first child starts while the graph is wired.
  if (!graph.isolate.empty() ||
      std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& n) { return n.isolate_s > 0; }))
    body->around.spare = std::make_unique<ChildProcess>(body->around.shared.share());

  std::vector<Diagnostic> wrong, missing;
  const std::vector<npurt_spec> inputs = specs(options.inputs);
  if (inputs.size() != graph.inputs.size())
    wrong.push_back({graph.inputs.empty() ? Place{graph.file} : graph.inputs[0].place,
                     "graph '" + graph.name + "' has inputs, so it is a block of another graph and does not run by itself",
                     {}});
  body->graph = wire(graph, *body->around.plugins, wrong, missing);
  share_packets(body->graph, false);
  if (wrong.empty() && missing.empty()) place_all(body->graph, inputs, body->around, wrong, missing);
  if (wrong.empty() && missing.empty()) {
    check_used(body->graph, "--use", graph.use, wrong);
    check_used(body->graph, "--isolate", graph.isolate, wrong);
  }
  const Exit code = wrong.empty() ? Exit::plugin : Exit::input;
  wrong.insert(wrong.end(), missing.begin(), missing.end());
  if (!wrong.empty()) throw Error(code, wrong);
  check_required(body->graph, options);
  body->around.spare.reset();
  body->plan_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return Plan(std::move(body));
}

std::vector<PlannedNode> Plan::nodes() const {
  std::vector<PlannedNode> out;
  const auto add = [&](const PlannedGraph& g, const PlanNode& p) {
    PlannedNode n{p.placement, {}, {}, {}, p.host ? p.host->planned_work() : DeviceWork{}};
    for (size_t i = 0; i < p.in.size(); ++i) {
      const Wire& w = p.in[i];
      if (!w.connected()) continue;
      n.in.push_back({p.op.in[i].name, spec_text(p.in_specs[i])});
      const std::string from = w.node == kGraphInput ? "in." + g.graph.inputs[w.port].name
                                                     : g.nodes[w.node].text.id + "." + g.nodes[w.node].op.out[w.port].name;
      n.after.push_back(from + " -> " + p.op.in[i].name);
    }
    for (size_t i = 0; i < p.out_specs.size(); ++i) n.out.push_back({p.op.out[i].name, spec_text(p.out_specs[i])});
    out.push_back(std::move(n));
  };
  const std::function<void(const PlannedGraph&)> walk = [&](const PlannedGraph& g) {
    for (const PlanNode& p : g.nodes) {
      if (p.absent) continue;
      add(g, p);
      for (const auto& inner : p.host->inner()) walk(inner->graph());
    }
  };
  walk(body_->graph);
  return out;
}

std::vector<std::string> Plan::notes() const {
  std::vector<std::string> all = body_->graph.notes;
  for (std::string& line : device_notes(nodes())) all.push_back(std::move(line));
  return all;
}

}  // namespace npurt
