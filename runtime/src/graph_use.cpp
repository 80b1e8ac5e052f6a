// --use and --isolate: who runs a node and where, chosen without editing the graph.
#include <fnmatch.h>

#include <algorithm>

#include "document.hpp"
#include "graph.hpp"

namespace npurt {

namespace {

bool names(const std::string& pattern, const std::string& id) { return fnmatch(pattern.c_str(), id.c_str(), 0) == 0; }

// The candidate that stands for a block's own nodes: whoever names it lets nobody take the block whole.
constexpr const char* kOwnNodes = "nodes";

// Calls f(node, text) for each node and each block that each option names.
template <typename F>
void apply(Graph& graph, const GraphOptions& options, const std::string& name,
           const std::vector<std::pair<std::string, std::string>>& all, std::vector<Diagnostic>& errors, F&& f) {
  std::vector<std::string> ids;
  for (const Node& n : graph.nodes) ids.push_back(n.id);
  for (const auto& [pattern, text] : all) {
    // A graph inside a stage is only known once that stage opens; make_plan looks whether it has the node.
    bool hit = !options.owner.empty();
    for (auto* all_of_a_kind : {&graph.nodes, &graph.blocks})
      for (Node& n : *all_of_a_kind) {
        if (pattern.starts_with(n.id + ".")) hit = true;
        if (!names(pattern, options.owner + n.id)) continue;
        hit = true;
        f(n, text, name + " " + pattern + (text.empty() ? "" : "=" + text));
      }
    if (!hit)
      errors.push_back({{graph.file, 0, 0},
                        name + " " + pattern + (text.empty() ? "" : "=" + text) + ": no node matches '" + pattern + "'",
                        did_you_mean(pattern, ids)});
  }
}

// The last of `options` that names the node or block `id`; null if none does.
const std::string* last_pattern(const std::vector<std::pair<std::string, std::string>>& options, const std::string& id) {
  for (auto it = options.rbegin(); it != options.rend(); ++it)
    if (it->second != kOwnNodes && names(it->first, id)) return &it->first;
  return nullptr;
}

// Who names a node of a block, and not the block, wants to see that node: then nobody takes the block whole.
void respect_nodes(Graph& graph, const GraphOptions& options) {
  for (Node& b : graph.blocks) {
    auto own = std::find_if(b.use.begin(), b.use.end(), [](const Use& u) { return u.name == kOwnNodes; });
    b.use.erase(own, b.use.end());
    for (const Node& n : graph.nodes) {
      if (!n.id.starts_with(b.id + ".")) continue;
      for (const auto* all : {&options.use, &options.isolate})
        if (const std::string* p = last_pattern(*all, options.owner + n.id); p && !names(*p, options.owner + b.id)) b.use.clear();
    }
  }
}

}  // namespace

void apply_use(Graph& graph, const GraphOptions& options, std::vector<Diagnostic>& errors) {
  graph.use = options.use;
  graph.isolate = options.isolate;
  apply(graph, options, "--use", options.use, errors, [](Node& n, const std::string& text, const std::string& cause) {
    if (text == kOwnNodes && n.outputs.empty()) return;
    n.use = split_candidates(text, n.place);
    n.use_cause = cause;
  });
  apply(graph, options, "--isolate", options.isolate, errors, [&](Node& n, const std::string& text, const std::string& option) {
    const auto seconds = isolate_seconds(text.empty() ? "true" : text);
    if (seconds) n.isolate_s = *seconds;
    else errors.push_back({{graph.file, 0, 0}, option + ": '" + text + "' is no number of seconds", {}});
  });
  respect_nodes(graph, options);
}

}  // namespace npurt
