#include "selection.hpp"

#include <algorithm>
#include <filesystem>

#include "voices.hpp"

namespace npurt::cli {

namespace fs = std::filesystem;

Pairs pairs(const char* option, const char* form, const std::vector<std::string>& texts) {
  Pairs all;
  for (const std::string& text : texts) {
    size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw Error(Exit::usage, std::string(option) + " '" + text + "': wanted " + form);
    all.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

namespace {

// Who asks for an NPU by name must not be served without one.
void expect_npu(const Plan& plan, const std::string& npu) {
  std::string why = "no node has a candidate for it";
  for (const PlannedNode& n : plan.nodes()) {
    if (n.placement.device == "npu") return;
    for (const Refusal& r : n.placement.refused)
      if (r.candidate.starts_with("npu")) why = r.candidate + " for " + n.placement.node + ": " + r.reason;
  }
  throw Error(Exit::require, "--npu " + npu + ": no node runs on an NPU; " + why);
}

}  // namespace

fs::path graph_file(const std::string& text) {
  if (fs::exists(text) || text.find_first_of("/.") != std::string::npos) return text;
  std::error_code error;
  fs::path prefix = fs::read_symlink("/proc/self/exe", error).parent_path().parent_path();
  fs::path installed = prefix / "share/npurt/graphs" / (text + ".yaml");
  return !error && fs::exists(installed, error) ? installed : fs::path(text);
}

void add_plugin_path(CLI::App& command, std::vector<std::string>& folders) {
  command.add_option("--plugin-path", folders, "Folder to look for plugins in first (may be repeated)")
      ->type_name("FOLDER")
      ->allow_extra_args(false);
}

Catalog open_catalog(const std::vector<std::string>& plugin_path) {
  return Catalog(Catalog::search_path({plugin_path.begin(), plugin_path.end()}));
}

void Selection::add_to(CLI::App& command) {
  command.add_option("graph", graph, "Graph file, or the name of an installed one")->type_name("GRAPH")->required();
  add_choices_to(command);
}

void Selection::add_choices_to(CLI::App& command) {
  auto each = [&](const char* name, std::vector<std::string>& to, const char* type, const char* help) {
    command.add_option(name, to, help)->type_name(type)->allow_extra_args(false);
  };
  each("--set", set, "NAME=VALUE", "Give a parameter of the graph a value");
  each("--use", use, "NODE=CAND[,CAND]", "Choose the candidates of nodes; NODE may hold *");
  each("--isolate", isolate, "NODE[=SECONDS]",
       "Run these nodes in child processes; one that crashes, or is silent for so long (60), is a fault");
  each("--require", require, "NODE=DEVICE", "Fail (exit 6) unless these nodes run on this device");
  command.add_option("--policy", policy, "Candidates in the graph's order, or the fastest by `npurt tune`")
      ->type_name("declared|measured")
      ->check(CLI::IsMember({"declared", "measured"}));
  command.add_option("--tuning", tuning, "The tuning cache, instead of the usual one")->type_name("FILE");
  command.add_flag("--strict", strict, "Fail if a node cannot have its first choice");
  command.add_option("--npu", npu, "The NPU to use: a real one if it is there, a real one, the virtual one, or none")
      ->type_name("auto|xrt|virtual|off")
      ->check(CLI::IsMember({"auto", "xrt", "virtual", "off"}));
  command.add_option("--threads", threads, "Processor threads; 0 is one per core")->type_name("N")->check(CLI::Range(0, 4096));
  command.add_option("--log-level", log_level, "Log lines on stderr from this level on")
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}));
  add_plugin_path(command, plugin_path);
}

Graph Selection::load() const {
  set_log_level(log_level);
  GraphOptions options;
  options.set = pairs("--set", "NAME=VALUE", set);
  options.use = pairs("--use", "NODE=CANDIDATE", use);
  for (const std::string& text : isolate) {
    const size_t equals = std::min(text.find('='), text.size());
    options.isolate.emplace_back(text.substr(0, equals), text.substr(std::min(equals + 1, text.size())));
  }
  return load_graph(graph_file(graph), options);
}

Plan Selection::plan(const Graph& graph, Catalog& catalog) const {
  PlanOptions options;
  options.require = pairs("--require", "NODE=DEVICE", require);
  options.strict = strict;
  options.policy = policy;
  options.tuning = tuning;
  options.threads = threads;
  options.options["npu"] = npu;
  Graph complete = graph;
  enroll_voices(complete, catalog);
  Plan made = make_plan(complete, catalog, options);
  if (npu == "xrt" || npu == "virtual") expect_npu(made, npu);
  return made;
}

}  // namespace npurt::cli
