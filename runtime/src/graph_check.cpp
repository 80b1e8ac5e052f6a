// What can be said of a whole graph before any plugin is known: ports, connections, cycles.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "graph.hpp"
#include "ops.hpp"
#include "signature.hpp"
#include "yaml.hpp"

namespace npurt {

namespace {

using Details = std::vector<std::pair<std::string, std::string>>;
using Wrong = std::function<void(const Place&, const std::string&, Details)>;

Details with_wanted(Details details, const std::string& wanted) {
  details.insert(details.begin(), {"wanted", wanted});
  return details;
}

void check_ports(Graph& graph, const Wrong& wrong) {
  std::map<std::string, Signature> ops;
  std::map<std::string, const Node*> nodes;
  for (const std::string& text : builtin_ops()) {
    Signature s = parse_signature(text);
    ops[s.op] = s;
  }
  for (const Node& n : graph.nodes) nodes[n.id] = &n;
  for (Node& n : graph.nodes) {
    auto it = ops.find(n.op);
    std::set<std::string> seen;
    for (Source& s : n.in) {
      if (it != ops.end()) {
        const Signature& op = it->second;
        if (s.port.empty() && !op.in.empty()) s.port = op.in[0].name;
        if (op.input(s.port) < 0) {
          std::vector<std::string> names;
          for (const Port& p : op.in) names.push_back(p.name);
          wrong(s.place, "op " + n.op + " has no input '" + s.port + "'", with_wanted(did_you_mean(s.port, names), op.text()));
        }
      }
      if (!seen.insert(s.port).second) wrong(s.place, "input '" + s.port + "' of node '" + n.id + "' is connected twice", {});
      auto from = nodes.find(s.node);
      if (from == nodes.end()) continue;
      auto made = ops.find(from->second->op);
      if (made == ops.end()) continue;
      if (s.output.empty() && made->second.out.size() == 1) s.output = made->second.out[0].name;
      if (made->second.output(s.output) < 0) {
        std::vector<std::string> names;
        for (const Port& p : made->second.out) names.push_back(p.name);
        wrong(s.place,
              s.output.empty() ? "node '" + s.node + "' has " + std::to_string(names.size()) + " outputs; say which"
                               : "node '" + s.node + "' has no output '" + s.output + "'",
              with_wanted(did_you_mean(s.output, names), made->second.text()));
      }
    }
    if (it == ops.end()) continue;
    for (const Port& p : it->second.in)
      if (!p.optional && !seen.count(p.name))
        wrong(n.place, "input '" + p.name + "' of node '" + n.id + "' is not connected", {{"wanted", it->second.text()}});
  }
  for (GraphPort& p : graph.outputs)
    if (auto from = nodes.find(p.node); from != nodes.end() && p.output.empty())
      if (auto made = ops.find(from->second->op); made != ops.end() && made->second.out.size() == 1)
        p.output = made->second.out[0].name;
}

// Takes away the nodes that can run until none can. What is left has a cycle upstream: walk there until a node comes twice.
void check_cycles(const Graph& graph, const Wrong& wrong) {
  std::map<std::string, const Node*> left;
  std::map<std::string, std::vector<const Node*>> readers;
  std::map<std::string, size_t> open;
  std::vector<const Node*> ready;
  for (const Node& n : graph.nodes) left[n.id] = &n;
  for (const Node& n : graph.nodes) {
    for (const Source& s : n.in)
      if (left.contains(s.node)) {
        readers[s.node].push_back(&n);
        ++open[n.id];
      }
    if (!open[n.id]) ready.push_back(&n);
  }
  while (!ready.empty()) {
    const Node& n = *ready.back();
    ready.pop_back();
    left.erase(n.id);
    for (const Node* r : readers[n.id])
      if (--open[r->id] == 0) ready.push_back(r);
  }
  if (left.empty()) return;
  std::vector<const Node*> path;
  const Node* at = left.begin()->second;
  while (std::find(path.begin(), path.end(), at) == path.end()) {
    path.push_back(at);
    const auto up = std::find_if(at->in.begin(), at->in.end(), [&](const Source& s) { return left.contains(s.node); });
    at = left.at(up->node);
  }
  std::string cycle = at->id;
  for (auto it = path.rbegin(); *it != at; ++it) cycle += " -> " + (*it)->id;
  wrong(at->place, "the graph has a cycle: " + cycle + " -> " + at->id, {});
}

}  // namespace

void check_graph(Graph& graph, std::vector<Diagnostic>& errors) {
  const Wrong wrong = [&](const Place& place, const std::string& what, Details details) {
    errors.push_back({place, what, std::move(details)});
  };
  check_ports(graph, wrong);
  check_cycles(graph, wrong);
}

}  // namespace npurt
