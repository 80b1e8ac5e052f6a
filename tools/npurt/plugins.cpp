// `npurt plugins` and `npurt inspect`: what there is, as a child process saw it.
#include <algorithm>
#include <iomanip>
#include <iostream>

#include "commands.hpp"
#include "selection.hpp"

namespace npurt::cli {

namespace {

void print_stage(const StageInfo& stage, const std::string& first) {
  std::cout << "  " << std::left << std::setw(20) << first << ' ' << std::setw(4) << stage.device << ' ' << stage.signature
            << (stage.stream ? "  (keeps state through a file)" : "") << '\n';
}

void print_plugin(const PluginInfo& plugin, bool with_stages) {
  std::cout << plugin.name << ' ' << plugin.version << "  " << plugin.file.string();
  if (!plugin.shadowed_by.empty()) std::cout << "\n  not used: shadowed by " << plugin.shadowed_by.string();
  if (!plugin.error.empty()) std::cout << "\n  not usable: " << plugin.error;
  std::cout << '\n';
  if (!with_stages) return;
  for (const StageInfo& stage : plugin.stages) print_stage(stage, stage.op + (stage.kernel.empty() ? "" : ":" + stage.kernel));
}

void list_plugins(const Catalog& catalog) {
  std::vector<PluginInfo> plugins = catalog.inspect();
  for (const PluginInfo& plugin : plugins) print_plugin(plugin, true);
  if (!plugins.empty()) return;
  std::string looked;
  for (const auto& folder : catalog.folders()) looked += (looked.empty() ? "" : ", ") + folder.string();
  throw Error(Exit::plugin, "no plugins found; looked in " + (looked.empty() ? std::string("no folder") : looked));
}

// The contract of an op, and every stage that implements it. False if nobody knows the op.
bool inspect_op(const std::string& op, const std::vector<PluginInfo>& plugins) {
  std::vector<std::string> known = op_signatures();
  auto contract = std::find_if(known.begin(), known.end(), [&](const std::string& s) { return s.starts_with(op + ":"); });
  bool found = contract != known.end();
  if (found) std::cout << *contract << '\n';
  for (const PluginInfo& plugin : plugins)
    for (const StageInfo& stage : plugin.stages) {
      if (stage.op != op || !plugin.error.empty() || !plugin.shadowed_by.empty()) continue;
      if (!found) std::cout << op << ": " << stage.signature << "  (of plugin " << plugin.name << ")\n";
      found = true;
      print_stage(stage, stage.candidate());
    }
  return found;
}

// What may be set in a graph, and of which ops it is made. False if there is no such graph.
bool inspect_graph(const std::string& name) {
  const std::filesystem::path file = graph_file(name);
  const std::string extension = file.extension().string();
  if (extension != ".yaml" && extension != ".yml") return false;
  const Graph graph = load_graph(file);
  std::cout << graph.name << "  " << graph.file << "\nparameters, for --set NAME=VALUE\n";
  for (const Parameter& p : graph.parameters)
    std::cout << "  " << std::left << std::setw(14) << p.name << ' ' << std::setw(12) << (p.value.empty() ? "-" : p.value) << ' '
              << p.help << '\n';
  std::vector<std::pair<std::string, int>> ops;
  for (const Node& node : graph.nodes) {
    auto same = std::find_if(ops.begin(), ops.end(), [&](const auto& o) { return o.first == node.op; });
    if (same == ops.end()) ops.emplace_back(node.op, 1);
    else ++same->second;
  }
  std::cout << "nodes, by op\n";
  for (const auto& [op, nodes] : ops) std::cout << "  " << std::left << std::setw(20) << op << ' ' << nodes << '\n';
  return true;
}

void inspect(const std::string& name, std::vector<std::string> folders) {
  std::filesystem::path file = name;
  const bool is_file = name.find('/') != std::string::npos || file.extension() == ".so";
  if (is_file) folders.insert(folders.begin(), std::filesystem::absolute(file).parent_path().string());
  std::vector<PluginInfo> plugins = open_catalog(folders).inspect();
  if (!is_file && inspect_op(name, plugins)) return;
  bool found = false;
  for (const PluginInfo& plugin : plugins) {
    if (is_file ? plugin.file.filename() != file.filename() : plugin.name != name) continue;
    print_plugin(plugin, true);
    found = true;
  }
  if (found || inspect_graph(name)) return;
  std::string ops;
  std::vector<std::string> names;
  for (const std::string& signature : op_signatures()) names.push_back(signature.substr(0, signature.find(':')));
  for (const std::string& op : names) ops += (ops.empty() ? "" : ", ") + op;
  for (const PluginInfo& plugin : plugins) names.push_back(plugin.name);
  Diagnostic d{{}, "there is no op, plugin or graph '" + name + "'", did_you_mean(name, names)};
  d.details.insert(d.details.begin(), {"ops", ops});
  d.details.emplace_back("hint", "npurt plugins");
  throw Error(Exit::usage, {d});
}

}  // namespace

void add_plugins_command(CLI::App& app, int&) {
  auto folders = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand("plugins", "List the plugins found, with their stages and what is wrong with them");
  add_plugin_path(*command, *folders);
  command->footer("Examples:\n  npurt plugins\n  npurt plugins --plugin-path build/example");
  command->callback([folders] { list_plugins(open_catalog(*folders)); });
}

void add_inspect_command(CLI::App& app, int&) {
  struct Options {
    std::string name;
    std::vector<std::string> folders;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("inspect", "Show an op's contract and who implements it, a plugin, or what may be set in a graph");
  command->add_option("name", options->name, "Op, plugin, libnpurt_….so, or graph")->type_name("OP|PLUGIN|GRAPH")->required();
  add_plugin_path(*command, options->folders);
  command->footer(
      "Examples:\n  npurt inspect matmul\n  npurt inspect audio\n  npurt inspect ./libnpurt_example.so\n  npurt inspect "
      "graphs/transcribe.yaml");
  command->callback([options] { inspect(options->name, options->folders); });
}

}  // namespace npurt::cli
