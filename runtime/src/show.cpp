// A plan as a table, as JSON, as a picture, and the story of one node.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "plan.hpp"

namespace npurt {
namespace {

using json = nlohmann::ordered_json;

std::string ports(const std::vector<PlannedPort>& all) {
  std::string s;
  for (const PlannedPort& p : all) s += (s.empty() ? "" : ", ") + p.name + " " + p.spec;
  return s.empty() ? "-" : s;
}

std::string in_quotes(const std::string& s) { return json(s).dump(-1, ' ', false, json::error_handler_t::replace); }

std::string producer(const std::string& after) { return after.substr(0, after.find(" -> ")); }

}  // namespace

std::string Plan::text() const {
  std::vector<std::vector<std::string>> rows{{"node", "op", "use", "device", "makes", "cause"}};
  const std::vector<PlannedNode> all = nodes();
  std::vector<Placement> placement;
  for (const PlannedNode& n : all) placement.push_back(n.placement);
  const Footnotes footnotes(placement);
  for (const PlannedNode& n : all)
    rows.push_back(
        {n.placement.node, n.placement.op, n.placement.use, n.placement.device, ports(n.out), footnotes.cause(n.placement)});
  std::vector<size_t> width(rows[0].size(), 0);
  for (const auto& r : rows)
    for (size_t c = 0; c < r.size(); ++c) width[c] = std::max(width[c], r[c].size());
  std::ostringstream out;
  for (const auto& r : rows) {
    for (size_t c = 0; c + 1 < r.size(); ++c) out << r[c] << std::string(width[c] - r[c].size() + 2, ' ');
    out << r.back() << '\n';
  }
  out << footnotes.text();
  for (const std::string& note : notes()) out << "note: " << note << '\n';
  return out.str();
}

std::string Plan::json() const {
  npurt::json j{{"graph", body_->graph.graph.name}, {"file", body_->graph.graph.file}, {"nodes", npurt::json::array()}};
  for (const PlannedNode& n : nodes()) {
    npurt::json node{{"node", n.placement.node},     {"op", n.placement.op},         {"use", n.placement.use},
                     {"device", n.placement.device}, {"cause", n.placement.cause},   {"refused", npurt::json::array()},
                     {"in", npurt::json::object()},  {"out", npurt::json::object()}, {"after", n.after}};
    for (const Refusal& r : n.placement.refused) node["refused"].push_back({{"candidate", r.candidate}, {"reason", r.reason}});
    for (const PlannedPort& p : n.in) node["in"][p.name] = p.spec;
    for (const PlannedPort& p : n.out) node["out"][p.name] = p.spec;
    if (!n.placement.nodes.empty()) node["takes"] = n.placement.nodes;
    put_work(node, n.work);
    j["nodes"].push_back(std::move(node));
  }
  j["notes"] = notes();
  return j.dump(2, ' ', false, npurt::json::error_handler_t::replace) + "\n";
}

// Graphviz; the part of an id before its last dot is the block it came from, drawn as a cluster.
std::string Plan::dot() const {
  std::map<std::string, std::vector<PlannedNode>> blocks;
  for (const PlannedNode& n : nodes()) {
    const std::string& id = n.placement.node;
    const size_t dot = id.rfind('.');
    blocks[dot == std::string::npos ? "" : id.substr(0, dot)].push_back(n);
  }
  std::ostringstream out;
  out << "digraph " << in_quotes(body_->graph.graph.name) << " {\n  rankdir=LR; node [shape=box];\n";
  for (const auto& [block, members] : blocks) {
    if (!block.empty()) out << "  subgraph " << in_quotes("cluster_" + block) << " { label=" << in_quotes(block) << ";\n";
    for (const PlannedNode& n : members) {
      std::string label = n.placement.node;
      label += "\n" + n.placement.op + ": " + n.placement.use + " (" + n.placement.device + ")";
      out << "    " << in_quotes(n.placement.node) << " [label=" << in_quotes(label) << "];\n";
    }
    if (!block.empty()) out << "  }\n";
  }
  for (const PlannedNode& n : nodes())
    for (const std::string& after : n.after) {
      const std::string from = producer(after);
      if (from.starts_with("in.")) continue;
      out << "  " << in_quotes(from.substr(0, from.rfind('.'))) << " -> " << in_quotes(n.placement.node)
          << " [label=" << in_quotes(from.substr(from.rfind('.') + 1)) << "];\n";
    }
  out << "}\n";
  return out.str();
}

std::string Plan::why(const std::string& pattern) const {
  std::ostringstream out;
  std::vector<std::string> tops, ids;
  for (const PlannedNode& n : nodes()) {
    const std::string& id = n.placement.node;
    const std::string top = id.substr(0, id.find('.'));
    ids.push_back(id);
    if (tops.empty() || tops.back() != top) tops.push_back(top);
    auto named = [&](const std::string& node) { return names_node(pattern, node); };
    if (!named(id) && std::none_of(n.placement.nodes.begin(), n.placement.nodes.end(), named)) continue;
    out << "node " << id << " (op " << n.placement.op << ") runs on " << n.placement.device << " by " << n.placement.use << ": "
        << n.placement.cause << '\n';
    for (const PlannedPort& p : n.in) out << "  takes    " << p.name << ' ' << p.spec << '\n';
    for (const PlannedPort& p : n.out) out << "  makes    " << p.name << ' ' << p.spec << '\n';
    for (const std::string& w : n.placement.nodes) out << "  for      " << w << '\n';
    for (const std::string& a : n.after) out << "  after    " << a << '\n';
    if (n.work.launches) out << "  device   " << work_text(n.work) << '\n';
    if (!n.work.conversions.empty()) out << "  converts " << n.work.conversions << '\n';
    for (const Refusal& r : n.placement.refused) out << "  refused  " << r.candidate << ": " << r.reason << '\n';
  }
  if (!out.str().empty()) return out.str();
  std::string known;
  for (const std::string& t : tops) known += (known.empty() ? "" : ", ") + t;
  Diagnostic d{{}, "the plan has no node '" + pattern + "'; it has " + known, {}};
  if (pattern.size() > 2) d.details = did_you_mean(pattern, ids);
  throw Error(Exit::usage, {d});
}

}  // namespace npurt
