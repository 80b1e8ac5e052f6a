#include "times.hpp"

#include <algorithm>
#include <map>

#include "outputs.hpp"

namespace npurt::cli {

namespace fs = std::filesystem;

namespace {

double product(const std::vector<int64_t>& dims) {
  double n = 1;
  for (int64_t d : dims) n *= static_cast<double>(d);
  return n;
}

std::string shapes(const std::vector<PlannedPort>& ports) {
  std::string all;
  for (const PlannedPort& p : ports) all += (all.empty() ? "" : ", ") + p.spec;
  return all.empty() ? "-" : all;
}

// Values of the weight that a node of the graph names; 0 if it names none.
double weight_values(const Graph& graph, const std::string& id) {
  for (const Node& n : graph.nodes) {
    if (n.id != id || !n.with.contains("weight") || !n.with.contains("model")) continue;
    const ModelFinding model = find_model(n.with.at("model").value, fs::path(graph.file).parent_path());
    for (const ModelTensor& t : model_info(model.path).tensors)
      if (t.name == n.with.at("weight").value) return product(t.dims);
  }
  return 0;
}

// Multiplications and additions of one call.
double flops(const Graph& graph, const std::string& op, const std::string& node, const Tapped& t) {
  if (t.in.empty() || t.out.empty() || t.in[0].dims.size() != 2 || t.out[0].dims.size() != 2) return 0;
  const auto rows = static_cast<double>(t.out[0].dims[0]), width = static_cast<double>(t.out[0].dims[1]);
  if (op == "matmul") return 2 * product(t.in[0].dims) * width;
  if (op == "attention") return 4 * rows * rows * width;  // scores, then their sum of values
  if (op == "conv1d") return 2 * rows * weight_values(graph, node);
  return 0;
}

struct Taken {
  std::vector<Tensor> in;
  double flops = 0, bytes = 0;
};

// One run of the graph: what each node got in its first call.
std::map<std::string, Taken> take(Plan& plan, const Graph& graph, const TimesOptions& options, const std::atomic<bool>& cancel,
                                  const std::map<std::string, std::string>& wanted) {
  std::map<std::string, Taken> all;
  TemporaryFile out;
  RunOptions run;
  run.input = options.input;
  run.values = {{"output", out.path().string()}, {"format", "json"}};
  run.cancel = &cancel;
  run.tap_nodes = "*";
  run.tap = [&](const Tapped& t) {
    if (!wanted.contains(t.node) || all.contains(t.node)) return;
    Taken& taken = all[t.node];
    for (const Tensor& x : t.in) taken.in.push_back(x.copy());
    for (const auto* ports : {&t.in, &t.out})
      for (const Tensor& x : *ports) taken.bytes += static_cast<double>(x.bytes);
    taken.flops = flops(graph, wanted.at(t.node), t.node, t);
  };
  run_plan(plan, run);
  return all;
}

}  // namespace

std::vector<NodeTimes> time_nodes(const TimesOptions& options, const std::atomic<bool>& cancel,
                                  const std::function<void(const std::string&)>& progress) {
  Catalog catalog = open_catalog(options.selection.plugin_path);
  const Graph graph = options.selection.load();
  Plan plan = options.selection.plan(graph, catalog);
  const std::vector<PlannedNode> nodes = plan.nodes();
  std::map<std::string, std::string> wanted;  // node -> op
  for (const PlannedNode& n : nodes)
    if (options.ops.empty() || std::count(options.ops.begin(), options.ops.end(), n.placement.op))
      wanted[n.placement.node] = n.placement.op;
  const std::map<std::string, Taken> taken = take(plan, graph, options, cancel, wanted);

  std::vector<NodeTimes> all;
  std::map<std::string, size_t> entry;  // of the first candidate's key
  std::vector<Tuned> known;
  for (const PlannedNode& n : nodes) {
    const std::string& id = n.placement.node;
    if (cancel) break;
    if (!taken.contains(id)) continue;
    progress(id);
    std::vector<Tuned> timed;
    try {
      timed = time_candidates(plan, id, taken.at(id).in, options.budget_s, known);
    } catch (const Error& e) {
      if (e.code != Exit::usage) throw;
      continue;  // it keeps state or makes packets of its own
    }
    if (timed.empty()) continue;
    const auto [same, fresh] = entry.try_emplace(timed[0].key, all.size());
    if (fresh) {
      all.push_back({n.placement.op, shapes(n.in), shapes(n.out), {}, taken.at(id).flops, taken.at(id).bytes, timed});
      known.insert(known.end(), timed.begin(), timed.end());
    }
    all[same->second].nodes.push_back(id);
  }
  return all;
}

const Tuned* fastest(const NodeTimes& n) {
  const Tuned* best = nullptr;
  for (const Tuned& t : n.candidates)
    if (t.refused.empty() && (!best || t.seconds < best->seconds)) best = &t;
  return best;
}

}  // namespace npurt::cli
