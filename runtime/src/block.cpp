#include "block.hpp"

#include <algorithm>
#include <cstring>

#include "inner.hpp"

namespace npurt {
namespace {

// The stage "nodes": a block's own nodes, called as one function.
struct Nodes {
  const npurt_inner* graph;
  std::vector<npurt_tensor> out;
};

int32_t plan_nodes(const npurt_host*, const npurt_spec*, uint32_t, npurt_spec*, uint32_t) { return NPURT_OK; }

int32_t open_nodes(const npurt_host* host, const npurt_spec* in, uint32_t inputs, void** object) {
  const npurt_inner* graph = nullptr;
  const int32_t code = host->inner(host->self, "", in, inputs, &graph);
  if (code == NPURT_OK) *object = new Nodes{graph, std::vector<npurt_tensor>(graph->outputs, blank_tensor())};
  return code;
}

int32_t run_nodes(void* object, npurt_call* call) {
  Nodes& nodes = *static_cast<Nodes*>(object);
  const auto outputs = static_cast<uint32_t>(nodes.out.size());
  if (const int32_t code = nodes.graph->run(nodes.graph->self, call->in, call->inputs, nodes.out.data(), outputs)) return code;
  for (uint32_t i = 0; i < outputs; ++i) {
    const npurt_tensor& made = nodes.out[i];
    if (const int32_t code = call->host->resize(call->host->self, i, &made.spec)) return code;
    std::memcpy(call->out[i].data, made.data, made.bytes);
  }
  return NPURT_OK;
}

void close_nodes(void* object) { delete static_cast<Nodes*>(object); }

const npurt_stage kNodes{sizeof(npurt_stage), NPURT_PACKET, "", "", "", "cpu", plan_nodes, open_nodes, run_nodes, close_nodes};

bool same(const Wire& a, const Wire& b) { return a.node == b.node && a.port == b.port; }

// The nodes of block `b` as a graph by themselves. Wires say where inputs come from; ids inside lose the block's before them.
Graph graph_of(const PlannedGraph& g, const PlanNode& b) {
  const size_t prefix = b.text.id.size() + 1;
  Graph out;
  out.name = b.text.op;
  out.file = g.graph.file;
  for (size_t m : b.members) {
    const PlanNode& p = g.nodes[m];
    if (p.block()) continue;
    Node& n = out.nodes.emplace_back(p.text);
    n.id = n.id.substr(prefix);
    n.in.clear();
    for (size_t i = 0; i < p.in.size(); ++i) {
      const Wire& w = p.in[i];
      if (!w.connected()) continue;
      Source s{p.op.in[i].name, "in", "", p.text.place};
      if (std::find(b.members.begin(), b.members.end(), static_cast<size_t>(w.node)) != b.members.end()) {
        const PlanNode& from = g.nodes[static_cast<size_t>(w.node)];
        s.node = from.text.id.substr(prefix);
        s.output = from.op.out[static_cast<size_t>(w.port)].name;
      } else {
        const auto from = std::find_if(b.in.begin(), b.in.end(), [&](const Wire& x) { return same(x, w); });
        s.output = b.op.in[static_cast<size_t>(from - b.in.begin())].name;
      }
      n.in.push_back(std::move(s));
    }
  }
  for (const Port& port : b.op.in) out.inputs.push_back({port.name, "", {}, "", "", b.text.place});
  for (size_t i = 0; i < b.gives.size(); ++i) {
    const PlanNode& maker = g.nodes[static_cast<size_t>(b.gives[i].node)];
    out.outputs.push_back({b.op.out[i].name,
                           "",
                           {},
                           maker.text.id.substr(prefix),
                           maker.op.out[static_cast<size_t>(b.gives[i].port)].name,
                           b.text.place});
  }
  return out;
}

void forget_absent_readers(PlannedGraph& g) {
  for (PlanNode& p : g.nodes)
    for (auto& readers : p.readers)
      std::erase_if(readers, [&](const Reader& r) { return g.nodes[static_cast<size_t>(r.node)].absent; });
}

}  // namespace

void take_whole(PlannedGraph& g, size_t i) {
  PlanNode& b = g.nodes[i];
  b.own = std::make_unique<const OwnNodes>(OwnNodes{graph_of(g, b), Stage{&kNodes, "", "", "cpu", b.op}});
  b.candidates.push_back({"nodes", &b.own->stage, "", false, b.text.use.size(), b.text.place});
  for (size_t m : b.members) {
    g.nodes[m].absent = true;
    if (!g.nodes[m].block()) b.placement.nodes.push_back(g.nodes[m].text.id);
  }
  for (size_t port = 0; port < b.gives.size(); ++port) {
    const Wire& w = b.gives[port];
    PlanNode& maker = g.nodes[static_cast<size_t>(w.node)];
    const auto made = static_cast<size_t>(w.port);
    b.sequence[port] = maker.sequence[made];
    b.to_sink = std::max(b.to_sink, maker.to_sink);
    for (const Reader& r : maker.readers[made]) {
      PlanNode& reader = g.nodes[static_cast<size_t>(r.node)];
      if (reader.absent) continue;
      reader.in[static_cast<size_t>(r.port)] = {static_cast<int>(i), static_cast<int>(port)};
      b.readers[port].push_back(r);
    }
    for (GraphPort& o : g.graph.outputs)
      if (o.node == maker.text.id && (o.output.empty() || o.output == maker.op.out[made].name)) {
        o.node = b.text.id;
        o.output = b.op.out[port].name;
      }
  }
  forget_absent_readers(g);
}

void leave_to_nodes(PlannedGraph& g, size_t i) {
  PlanNode& b = g.nodes[i];
  b.absent = true;
  for (size_t m : b.members) {
    auto& refused = g.nodes[m].placement.refused;
    refused.insert(refused.end(), b.placement.refused.begin(), b.placement.refused.end());
  }
  forget_absent_readers(g);
}

void note_blocks(PlannedGraph& g) {
  std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
  for (const PlanNode& b : g.nodes) {
    if (!b.block() || b.placement.refused.empty() || !b.placement.use.empty()) continue;
    std::string why;
    for (const Refusal& r : b.placement.refused) why += (why.empty() ? "" : "; ") + r.candidate + " refused: " + r.reason;
    auto it = std::find_if(reasons.begin(), reasons.end(), [&](const auto& r) { return r.first == why; });
    if (it == reasons.end()) it = reasons.insert(reasons.end(), {why, {}});
    it->second.push_back(b.text.id);
  }
  for (const auto& [why, ids] : reasons)
    g.notes.push_back("block " + ids.front() + (ids.size() > 1 ? " to " + ids.back() : "") + ", node by node: " + why);
}

std::string unmet_inside(const PlanNode& p, const PlanOptions& options) {
  for (const auto& graph : p.host->inner())
    for (const PlanNode& n : graph->graph().nodes)
      if (std::string want = unmet(n, n.placement.device, n.placement.use, options); !want.empty()) return want;
  return "";
}

}  // namespace npurt
