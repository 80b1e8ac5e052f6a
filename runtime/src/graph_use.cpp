// --use: who runs a node, chosen without editing the graph.
#include <fnmatch.h>

#include "document.hpp"
#include "graph.hpp"

namespace npurt {

void apply_use(Graph& graph, const GraphOptions& options, std::vector<Diagnostic>& errors) {
  std::vector<std::string> ids;
  for (const Node& n : graph.nodes) ids.push_back(n.id);
  graph.use = options.use;
  for (const auto& [pattern, text] : options.use) {
    // A graph inside a stage is only known once that stage opens; make_plan looks whether it has the node.
    bool hit = !options.owner.empty();
    for (Node& n : graph.nodes) {
      if (pattern.starts_with(n.id + ".")) hit = true;
      if (fnmatch(pattern.c_str(), (options.owner + n.id).c_str(), 0) != 0) continue;
      hit = true;
      n.use = split_candidates(text, n.place);
      n.use_cause = "--use " + pattern + "=" + text;
    }
    if (!hit)
      errors.push_back({{graph.file, 0, 0},
                        "--use " + pattern + "=" + text + ": no node matches '" + pattern + "'",
                        did_you_mean(pattern, ids)});
  }
}

}  // namespace npurt
