#include "inner.hpp"

namespace npurt {
namespace {

int32_t code_of(Exit e) { return e == Exit::device ? NPURT_FAULT : e == Exit::plugin ? NPURT_BUG : NPURT_BAD_CONFIG; }

}  // namespace

InnerGraph::InnerGraph(const Graph& graph, const std::vector<npurt_spec>& in, const Node& node, const npurt_host* host,
                       Surroundings& around)
    : host_(host) {
  const std::string& owner = node.id;
  std::vector<Diagnostic> wrong, missing;
  if (in.size() != graph.inputs.size())
    wrong.push_back({{graph.file},
                     "graph '" + graph.name + "' has " + std::to_string(graph.inputs.size()) + " inputs, but '" + owner +
                         "' gives it " + std::to_string(in.size()),
                     {}});
  else graph_ = wire(graph, *around.plugins, wrong, missing);
  share_packets(graph_, node.isolate_s > 0);
  for (PlanNode& p : graph_.nodes) {
    if (p.splits() || p.source())
      wrong.push_back(
          {p.text.place,
           "node '" + p.text.id + "' (op " + p.op.op + ") changes the number of packets, so it cannot be inside '" + owner + "'",
           {}});
    p.text.id = owner + "." + p.text.id;
    p.placement.node = p.text.id;
  }
  for (GraphPort& o : graph_.graph.outputs) o.node = owner + "." + o.node;
  if (wrong.empty() && missing.empty()) place_all(graph_, in, around, wrong, missing);
  if (!wrong.empty()) throw Error(Exit::input, wrong);
  if (!missing.empty()) throw Error(Exit::plugin, missing);

  for (size_t i : graph_.order) {
    PlanNode& p = graph_.nodes[i];
    if (p.stage.stage->stream())
      throw Error(Exit::input, "node '" + p.text.id + "' keeps state from packet to packet, so it cannot be inside a stage");
    steps_.emplace_back(p, around);
  }
  results_.resize(graph_.nodes.size());
  for (size_t i = 0; i < results_.size(); ++i) results_[i].resize(graph_.nodes[i].op.out.size());
  for (const GraphPort& o : graph_.graph.outputs)
    for (size_t i = 0; i < graph_.nodes.size(); ++i)
      if (graph_.nodes[i].text.id == o.node) {
        const Signature& op = graph_.nodes[i].op;
        outputs_.push_back({static_cast<int>(i), o.output.empty() ? 0 : op.output(o.output)});
        if (outputs_.back().port < 0)
          throw Error(Exit::input,
                      {Diagnostic{o.place, "node '" + o.node + "' (op " + op.op + ") has no output '" + o.output + "'", {}}});
      }
  face_.size = sizeof face_;
  face_.outputs = static_cast<uint32_t>(outputs_.size());
  face_.self = this;
  face_.run = [](void* self, const npurt_tensor* i, uint32_t n, npurt_tensor* o, uint32_t m) {
    return static_cast<InnerGraph*>(self)->run(i, n, o, m);
  };
}

int32_t InnerGraph::run(const npurt_tensor* in, uint32_t inputs, npurt_tensor* out, uint32_t outputs) {
  try {
    if (inputs != graph_.graph.inputs.size() || outputs != outputs_.size())
      return host_->fail(host_->self, NPURT_BUG,
                         ("calls graph '" + graph_.graph.name + "' with a wrong number of tensors").c_str());
    for (size_t k = 0; k < graph_.order.size(); ++k) {
      const size_t i = graph_.order[k];
      const PlanNode& p = graph_.nodes[i];
      Step& step = steps_[k];
      for (size_t port = 0; port < p.in.size(); ++port) {
        const Wire& w = p.in[port];
        if (w.node == kGraphInput) step.in[port] = in[w.port];
        else if (w.connected()) step.in[port] = results_[w.node][w.port].view();
      }
      for (Packet& old : results_[i]) old = Packet{};
      if (step.run(0, false).cancelled) return NPURT_CANCELLED;
      for (size_t port = 0; port < p.op.out.size(); ++port) results_[i][port] = step.take(port, 0);
    }
    for (size_t o = 0; o < outputs_.size(); ++o) out[o] = results_[outputs_[o].node][outputs_[o].port].view();
    return NPURT_OK;
  } catch (const Error& e) {
    const std::string sentence = e.diagnostics.empty() ? e.what() : e.diagnostics[0].message;
    return host_->fail(host_->self, code_of(e.code), sentence.c_str());
  } catch (const std::exception& e) {
    return host_->fail(host_->self, NPURT_FAULT, e.what());
  }
}

// Options of the node that the graph has parameters for are offered to it; its model is the node's, wherever that was found.
int32_t NodeHost::plan_inner(const std::string& name, const npurt_spec* in, uint32_t inputs, const npurt_inner*& out) {
  auto it = node_.with.find(name);
  const bool own = name.empty() && own_nodes_;
  if (it == node_.with.end() && !own) return fail(NPURT_BAD_CONFIG, "option '" + name + "' is missing");
  try {
    if (own) {
      inner_.push_back(
          std::make_unique<InnerGraph>(*own_nodes_, std::vector<npurt_spec>(in, in + inputs), node_, &face_, around_));
      out = inner_.back()->face();
      return NPURT_OK;
    }
    GraphOptions options;
    options.use = around_.use;
    options.isolate = around_.isolate;
    options.owner = node_.id + ".";
    for (const auto& [key, setting] : node_.with)
      if (setting.value.find('$') == std::string::npos) options.offer[key] = setting.value;
    if (node_.with.contains("model")) options.offer["model"] = model_path().string();
    const auto folder = std::filesystem::path(it->second.place.file).parent_path();
    const Graph graph = load_graph(folder / it->second.value, options);
    auto made = std::make_unique<InnerGraph>(graph, std::vector<npurt_spec>(in, in + inputs), node_, &face_, around_);
    out = made->face();
    inner_.push_back(std::move(made));
    return NPURT_OK;
  } catch (const Error& e) {
    std::string all;
    for (const Diagnostic& d : e.diagnostics) all += (all.empty() ? "" : "\n") + d.text();
    return fail(e.code == Exit::plugin ? NPURT_REFUSE : NPURT_BAD_CONFIG, all.empty() ? e.what() : all);
  } catch (const std::exception& e) {
    return fail(NPURT_BAD_CONFIG, e.what());
  }
}

}  // namespace npurt
