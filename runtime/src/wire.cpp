#include "wire.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "yaml.hpp"

namespace npurt {
namespace {

constexpr int kPerFile = -1;  // the sequence of @stream outputs: one packet

std::string port_list(const std::vector<Port>& ports) {
  std::string s;
  for (const Port& p : ports) s += (s.empty() ? "" : ", ") + p.name;
  return s.empty() ? "none" : s;
}

class Wiring {
 public:
  Wiring(const Graph& graph, Plugins& plugins, std::vector<Diagnostic>& wrong, std::vector<Diagnostic>& missing)
      : graph_(graph), plugins_(plugins), wrong_(wrong), missing_(missing) {}

  PlannedGraph make() {
    out_.graph = graph_;
    load_named();
    add_all();
    for (size_t i = 0; i < out_.nodes.size(); ++i) connect(i);
    for (size_t g = 0; g < graph_.inputs.size(); ++g) connect_input(g);
    check_connected();
    sort();
    if (wrong_.empty() && missing_.empty()) {
      sequences();
      distances();
    }
    return std::move(out_);
  }

 private:
  // A node without `use` takes any plugin that has the op, so then all are needed.
  void load_named() {
    std::set<std::string> seen;
    const auto load = [&](const std::string& name) {
      if (!seen.insert(name).second) return;
      try {
        plugins_.library(name);
      } catch (const Unusable& e) {
        unusable_[name] = e.what();
      }
    };
    // In the order of the graph, because the first plugin that declares an op sets its contract.
    for (const auto* all : {&graph_.nodes, &graph_.blocks})
      for (const Node& n : *all)
        for (const Use& u : n.use) load(u.name.substr(0, u.name.find(':')));
    if (std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [](const Node& n) { return n.use.empty(); }))
      for (const std::string& name : plugins_.names()) load(name);
  }

  // Each block that somebody may take stands before its own nodes.
  void add_all() {
    std::vector<const Node*> blocks;
    for (const Node& b : graph_.blocks)
      if (!b.use.empty()) blocks.push_back(&b);
    auto begins = [&](const Node& n) { return !blocks.empty() && n.id.starts_with(blocks.front()->id + "."); };
    for (const Node& n : graph_.nodes) {
      for (; begins(n); blocks.erase(blocks.begin())) add(*blocks.front());
      add(n);
    }
    for (PlanNode& b : out_.nodes)
      for (size_t i = 0; b.block() && i < out_.nodes.size(); ++i)
        if (out_.nodes[i].text.id.starts_with(b.text.id + ".")) b.members.push_back(i);
    for (PlanNode& b : out_.nodes)
      if (b.block()) check_block(b);
  }

  // Whether one of the block's own nodes makes `o`; a block may hand on what comes in, and then there is nothing to take.
  bool made_inside(const PlanNode& b, const GraphPort& o) const {
    return std::any_of(b.members.begin(), b.members.end(), [&](size_t m) {
      const PlanNode& p = out_.nodes[m];
      return p.text.id == o.node && (o.output.empty() ? p.op.out.size() == 1 : p.op.output(o.output) >= 0);
    });
  }

  // A block that no candidate is made for is as if nobody had been asked; a mistake only where the block alone was named. A
  // pattern that names a block and its nodes has candidates for either.
  void check_block(PlanNode& b) {
    auto no_stage = [](const Candidate& c) { return !c.stage && !c.missing; };
    bool by_pattern = false;
    for (size_t m : b.members) {
      PlanNode& p = out_.nodes[m];
      if (p.text.use_cause != b.text.use_cause || !b.text.use_cause.starts_with("--use")) continue;
      by_pattern = true;
      if (!std::all_of(p.candidates.begin(), p.candidates.end(), no_stage)) std::erase_if(p.candidates, no_stage);
    }
    if (by_pattern) std::erase_if(b.candidates, no_stage);
    auto named = [](const auto& all, const std::string& name) {
      return std::any_of(all.begin(), all.end(), [&](const auto& x) { return x.name == name; });
    };
    bool same = b.op.out.size() == b.text.outputs.size();
    for (const Source& s : b.text.in) same = same && b.op.input(s.port) >= 0;
    for (const GraphPort& o : b.text.outputs) same = same && named(b.op.out, o.name) && made_inside(b, o);
    if (!same && !b.op.op.empty())
      out_.notes.push_back("block '" + b.text.id + "' does not make what op " + b.op.op +
                           " does, of the same inputs, so nobody takes it whole");
    b.absent = b.candidates.empty() || (!same && !b.op.op.empty());
  }

  void add(const Node& n) {
    PlanNode& p = out_.nodes.emplace_back();
    index_[n.id] = static_cast<int>(out_.nodes.size()) - 1;
    p.text = n;
    candidates(p);
    if (const Signature* op = plugins_.op(n.op)) {
      p.op = *op;
    } else {
      // An op of a plugin that is missing: its ports are unknown too.
      if (p.block()) unknown_.insert(p.text.id);
      else unknown_op(p);
    }
    p.in.resize(p.op.in.size());
    p.readers.resize(p.op.out.size());
    p.sequence.resize(p.op.out.size());
    p.placement = {n.id, n.op, "", "", "", {}, {}};
  }

  void unknown_op(const PlanNode& p) {
    unknown_.insert(p.text.id);
    Diagnostic d{p.text.place, "node '" + p.text.id + "' has the unknown op '" + p.text.op + "'", {}};
    bool plugin_missing = false;
    for (const Candidate& c : p.candidates)
      if (c.missing) {
        d.details.emplace_back("tried " + c.name, c.why_not);
        plugin_missing = true;
      }
    const auto close = did_you_mean(p.text.op, plugins_.ops());
    if (plugin_missing) looked_in(d);
    if (plugin_missing || close.empty()) d.details.emplace_back("hint", "npurt plugins");
    else d.details.push_back(close[0]);
    (plugin_missing ? missing_ : wrong_).push_back(d);
  }

  void looked_in(Diagnostic& d) const {
    for (const auto& f : plugins_.folders()) d.details.emplace_back("searched", f.string());
  }

  void candidates(PlanNode& p) {
    auto stages = [&](const std::string& plugin, const std::string& kernel, size_t choice, const Use& use) {
      Candidate c{use.name, nullptr, "", false, choice, use.place};
      if (auto it = unusable_.find(plugin); it != unusable_.end()) {
        c.why_not = it->second;
        c.missing = true;
        p.candidates.push_back(c);
        return;
      }
      bool any = false, has_op = false;
      std::string kernels;
      for (const Stage& s : plugins_.library(plugin).stages) {
        if (s.face->op != p.text.op) continue;
        has_op = true;
        if (!s.kernel.empty()) kernels += (kernels.empty() ? "" : ", ") + s.kernel;
        if (!kernel.empty() && s.kernel != kernel) continue;
        p.candidates.push_back({s.candidate(), &s, "", false, choice, use.place});
        any = true;
      }
      if (any) return;
      c.why_not = "plugin '" + plugin + "' has no stage for op '" + p.text.op + "'";
      if (has_op)
        c.why_not = "plugin '" + plugin + "' has no kernel '" + kernel + "' for op '" + p.text.op + "'; " +
                    (kernels.empty() ? "write " + plugin + " alone" : "it has " + kernels);
      p.candidates.push_back(c);
    };
    for (size_t i = 0; i < p.text.use.size(); ++i) {
      const Use& u = p.text.use[i];
      const size_t colon = u.name.find(':');
      stages(u.name.substr(0, colon), colon == std::string::npos ? "" : u.name.substr(colon + 1), i, u);
    }
    if (!p.text.use.empty()) return;
    for (const std::string& name : plugins_.names()) {
      if (unusable_.contains(name)) continue;
      const auto& all = plugins_.library(name).stages;
      if (std::any_of(all.begin(), all.end(), [&](const Stage& s) { return s.face->op == p.text.op; }))
        stages(name, "", 0, {name, p.text.place});
    }
  }

  void fault(const Place& place, const std::string& message, const std::string& hint = "") {
    Diagnostic d{place, message, {}};
    if (!hint.empty()) d.details.emplace_back("hint", hint);
    wrong_.push_back(std::move(d));
  }

  // The index of input port `name` of node `p` ("": its first), or -1 after saying why not.
  int input(const PlanNode& p, const std::string& name, const Place& place) {
    if (unknown_.contains(p.text.id)) return -1;
    const int i = name.empty() ? (p.op.in.empty() ? -1 : 0) : p.op.input(name);
    if (i < 0)
      fault(place, "node '" + p.text.id + "' (op " + p.op.op + ") has no input '" + name + "'; it has " + port_list(p.op.in));
    return i;
  }

  void connect(size_t node) {
    PlanNode& p = out_.nodes[node];
    if (p.absent || (p.block() && unknown_.contains(p.text.id))) return;
    for (const GraphPort& o : p.text.outputs) {
      const int maker = index_.at(o.node);
      const Signature& op = out_.nodes[static_cast<size_t>(maker)].op;
      p.gives.resize(p.op.out.size());
      p.gives[static_cast<size_t>(p.op.output(o.name))] = {maker, o.output.empty() ? 0 : op.output(o.output)};
    }
    for (const Source& s : p.text.in) {
      const int port = input(p, s.port, s.place);
      auto from = index_.find(s.node);
      if (s.node == "in") {
        for (size_t g = 0; g < graph_.inputs.size(); ++g)
          if (port >= 0 && graph_.inputs[g].name == s.output) p.in[port] = {kGraphInput, static_cast<int>(g)};
        continue;
      }
      if (from == index_.end()) {
        fault(s.place, "node '" + p.text.id + "' reads from '" + s.node + "', which is no node");
        if (port >= 0) misled_.insert({node, port});
        continue;
      }
      PlanNode& q = out_.nodes[from->second];
      if (port < 0 || unknown_.contains(q.text.id)) continue;
      int output = s.output.empty() ? (q.op.out.size() == 1 ? 0 : -1) : q.op.output(s.output);
      if (output < 0) {
        fault(s.place, s.output.empty()
                           ? "node '" + q.text.id + "' has the outputs " + port_list(q.op.out) + "; say which, as in " +
                                 q.text.id + "." + (q.op.out.empty() ? "x" : q.op.out[0].name)
                           : "node '" + q.text.id + "' (op " + q.op.op + ") has no output '" + s.output + "'; it has " +
                                 port_list(q.op.out));
        misled_.insert({node, port});
        continue;
      }
      p.in[port] = {from->second, output};
      q.readers[output].push_back({static_cast<int>(node), port});
    }
  }

  void connect_input(size_t g) {
    for (const auto& [node, port] : graph_.inputs[g].to) {
      auto it = index_.find(node);
      if (it == index_.end()) continue;
      const int i = input(out_.nodes[it->second], port, graph_.inputs[g].place);
      if (i >= 0) out_.nodes[it->second].in[i] = {kGraphInput, static_cast<int>(g)};
    }
  }

  void check_connected() {
    for (size_t n = 0; n < out_.nodes.size(); ++n) {
      const PlanNode& p = out_.nodes[n];
      for (size_t i = 0; i < p.in.size() && !p.absent; ++i)
        if (!p.in[i].connected() && !p.op.in[i].optional && !misled_.contains({n, i}))
          fault(p.text.place, "node '" + p.text.id + "' (op " + p.op.op + ") needs its input " + port_text(p.op.in[i]));
    }
  }

  void sort() {
    std::vector<int> open(out_.nodes.size(), 0);
    std::set<size_t> ready;  // smallest first: the order of the file where it is free
    for (size_t i = 0; i < out_.nodes.size(); ++i) {
      for (const Wire& w : out_.nodes[i].in) open[i] += w.node >= 0;
      for (size_t m : out_.nodes[i].members) ++open[m];  // whether a block is taken whole is decided before its own nodes
    }
    for (size_t i = 0; i < open.size(); ++i)
      if (!open[i]) ready.insert(i);
    while (!ready.empty()) {
      const size_t i = *ready.begin();
      ready.erase(ready.begin());
      out_.order.push_back(i);
      for (size_t m : out_.nodes[i].members)
        if (--open[m] == 0) ready.insert(m);
      for (const auto& readers : out_.nodes[i].readers)
        for (const Reader& r : readers)
          if (--open[r.node] == 0) ready.insert(static_cast<size_t>(r.node));
    }
    if (out_.order.size() == out_.nodes.size()) return;
    std::string cycle;
    Place place;
    for (size_t i = 0; i < open.size(); ++i)
      if (open[i]) {
        if (cycle.empty()) place = out_.nodes[i].text.place;
        cycle += (cycle.empty() ? "" : ", ") + out_.nodes[i].text.id;
      }
    fault(place, "the graph has a cycle through " + cycle);
  }

  // Joins are by index, so what a node joins must be of one sequence. A 1:1 node's output stays in its input's sequence; @split
  // begins a new one.
  void sequences() {
    int fresh = 1;  // 0 is the graph's inputs
    for (size_t i : out_.order) {
      PlanNode& p = out_.nodes[i];
      int joined = kPerFile;
      std::string joined_port;
      bool once = false, per_packet = false;
      for (size_t k = 0; k < p.in.size(); ++k) {
        const Wire& w = p.in[k];
        if (!w.connected()) continue;
        const int from = w.node == kGraphInput ? 0 : out_.nodes[w.node].sequence[w.port];
        if (p.op.in[k].stream) {
          once = true;
          if (from != kPerFile)
            fault(p.text.place, "input '" + p.op.in[k].name + "' of node '" + p.text.id + "' takes one packet per file, but " +
                                    name(w) + " gives one per chunk");
          continue;
        }
        if (per_packet && from != joined)
          fault(p.text.place,
                "node '" + p.text.id + "' joins packets that do not match one to one: '" + joined_port + "' and '" +
                    p.op.in[k].name + "' (" + name(w) + ") come from different cuts of the audio",
                "join them where they are still cut alike, or before an output marked @split in npurt inspect");
        joined = from;
        joined_port = p.op.in[k].name;
        per_packet = true;
      }
      if (once && per_packet) {
        p.lifted = true;
        out_.notes.push_back("node '" + p.text.id +
                             "' waits for an input that comes once per file, so its other inputs queue without a bound");
      }
      const int split = fresh++;
      for (size_t k = 0; k < p.op.out.size(); ++k) {
        const Port& port = p.op.out[k];
        p.sequence[k] = port.stream ? kPerFile : port.split || p.source() ? split : joined;
      }
    }
  }

  std::string name(const Wire& w) const {
    if (w.node == kGraphInput) return "in." + graph_.inputs[w.port].name;
    return out_.nodes[w.node].text.id + "." + out_.nodes[w.node].op.out[w.port].name;
  }

  void distances() {
    for (auto it = out_.order.rbegin(); it != out_.order.rend(); ++it)
      for (const auto& readers : out_.nodes[*it].readers)
        for (const Reader& r : readers)
          out_.nodes[*it].to_sink = std::max(out_.nodes[*it].to_sink, out_.nodes[r.node].to_sink + 1);
  }

  const Graph& graph_;
  Plugins& plugins_;
  std::vector<Diagnostic>&wrong_, &missing_;
  std::map<std::string, std::string> unusable_;
  std::map<std::string, int> index_;
  std::set<std::string> unknown_;
  std::set<std::pair<size_t, size_t>> misled_;  // (node, input port) that a wrong link was meant for
  PlannedGraph out_;
};

}  // namespace

bool PlanNode::splits() const {
  return std::any_of(op.out.begin(), op.out.end(), [](const Port& p) { return p.split; });
}

PlannedGraph wire(const Graph& graph, Plugins& plugins, std::vector<Diagnostic>& wrong, std::vector<Diagnostic>& missing) {
  return Wiring(graph, plugins, wrong, missing).make();
}

}  // namespace npurt
