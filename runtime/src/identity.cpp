// What tells two plans apart: who runs each node, on which shapes, from which library.
#include <map>
#include <set>

#include "fingerprint.hpp"
#include "plan.hpp"

namespace npurt {

std::vector<PluginUsed> Plan::plugins() const {
  std::set<std::string> names;
  each_node(body_->graph, [&](const PlanNode& p) { names.insert(p.stage.stage->plugin); });
  std::vector<PluginUsed> all;
  for (const std::string& name : names) {
    const Library& library = body_->around.plugins->library(name);
    all.push_back({name, library.version, library_fingerprint(library.file)});
  }
  return all;
}

std::string Plan::signature() const {
  const auto all = nodes();
  std::map<std::string, int> on;
  std::string text;
  for (const PlannedNode& n : all) {
    ++on[n.placement.device];
    text += n.placement.node + "\n" + n.placement.op + "\n" + n.placement.use + "\n" + n.placement.device + "\n";
    for (const auto* ports : {&n.in, &n.out})
      for (const PlannedPort& p : *ports) text += p.name + " " + p.spec + "\n";
    for (const std::string& a : n.after) text += a + "\n";
  }
  for (const PluginUsed& p : plugins()) text += p.name + "\n" + p.version + "\n" + p.hash + "\n";
  std::string line = body_->graph.graph.name + ": " + std::to_string(all.size()) + " nodes";
  for (const auto& [device, count] : on) line += ", " + std::to_string(count) + " on " + device;
  return line + ", " + fingerprint(text);
}

}  // namespace npurt
