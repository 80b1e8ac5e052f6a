// --use and --isolate: who runs a node and where, chosen without editing the graph.
#include <fnmatch.h>

#include "document.hpp"
#include "graph.hpp"

namespace npurt {

namespace {

// Calls f(node, text) for each node that each option names.
template <typename F>
void apply(Graph& graph, const GraphOptions& options, const std::string& name,
           const std::vector<std::pair<std::string, std::string>>& all, std::vector<Diagnostic>& errors, F&& f) {
  std::vector<std::string> ids;
  for (const Node& n : graph.nodes) ids.push_back(n.id);
  for (const auto& [pattern, text] : all) {
    // A graph inside a stage is only known once that stage opens; make_plan looks whether it has the node.
    bool hit = !options.owner.empty();
    for (Node& n : graph.nodes) {
      if (pattern.starts_with(n.id + ".")) hit = true;
      if (fnmatch(pattern.c_str(), (options.owner + n.id).c_str(), 0) != 0) continue;
      hit = true;
      f(n, text, name + " " + pattern + (text.empty() ? "" : "=" + text));
    }
    if (!hit)
      errors.push_back({{graph.file, 0, 0},
                        name + " " + pattern + (text.empty() ? "" : "=" + text) + ": no node matches '" + pattern + "'",
                        did_you_mean(pattern, ids)});
  }
}

}  // namespace

void apply_use(Graph& graph, const GraphOptions& options, std::vector<Diagnostic>& errors) {
  graph.use = options.use;
  graph.isolate = options.isolate;
  apply(graph, options, "--use", options.use, errors, [](Node& n, const std::string& text, const std::string& cause) {
    n.use = split_candidates(text, n.place);
    n.use_cause = cause;
  });
  apply(graph, options, "--isolate", options.isolate, errors, [&](Node& n, const std::string& text, const std::string& option) {
    const auto seconds = isolate_seconds(text.empty() ? "true" : text);
    if (seconds) n.isolate_s = *seconds;
    else errors.push_back({{graph.file, 0, 0}, option + ": '" + text + "' is no number of seconds", {}});
  });
}

}  // namespace npurt
