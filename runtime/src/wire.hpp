// A graph wired by index: who feeds which port, in which order nodes can run, which packets belong together.
#pragma once

#include <deque>
#include <memory>
#include <npurt/runtime.hpp>
#include <string>
#include <vector>

#include "catalog.hpp"
#include "host.hpp"
#include "opened.hpp"

namespace npurt {

inline constexpr int kUnconnected = -1;
inline constexpr int kGraphInput = -2;  // Wire::port is then the index of the graph's input

// The producer of an input port.
struct Wire {
  int node = kUnconnected, port = 0;
  bool connected() const { return node != kUnconnected; }
};

// One input port that an output port feeds.
struct Reader {
  int node, port;
};

// What may run a node: a loaded stage, or why there is none.
struct Candidate {
  std::string name;
  const Stage* stage = nullptr;
  std::string why_not;
  bool missing = false;  // no such plugin, or an unusable one
  size_t choice = 0;     // index in Node::use
  Place place;
  double measured_s = 0;  // from the tuning cache; 0: not known
};

// A block's own nodes as a graph, and the stage that runs it.
struct OwnNodes {
  Graph graph;
  Stage stage;
};

struct PlanNode {
  Node text;
  Signature op;
  std::vector<Wire> in;                      // per input port
  std::vector<std::vector<Reader>> readers;  // per output port
  std::vector<int> sequence;                 // per output port: equal numbers mean packets match by index
  bool lifted = false;                       // joins @stream with per-packet inputs: its in-edges hold any number of packets
  bool shared = false;                       // a child process reads or writes its outputs
  bool absent = false;                       // of a block that was taken whole; or a block that was not
  int to_sink = 0;                           // nodes on the longest way to a node that nobody reads

  // Of a block as one node.
  std::vector<size_t> members;          // its own nodes and the blocks inside
  std::vector<Wire> gives;              // per output port: which member makes it otherwise
  std::unique_ptr<const OwnNodes> own;  // what takes over after a fault, once it was taken whole

  std::vector<Candidate> candidates;
  size_t tried = 0;  // candidates before this one are chosen or refused
  std::vector<npurt_spec> in_specs, out_specs;
  Placement placement;

  std::unique_ptr<NodeHost> host;
  Opened stage;

  bool source() const { return op.in.empty(); }
  bool sink() const { return op.out.empty(); }
  bool block() const { return !text.outputs.empty(); }
  bool splits() const;
  // One packet of this input goes with every packet of the others.
  bool once(size_t port) const { return lifted && op.in[port].stream; }
};

struct PlannedGraph {
  Graph graph;
  std::deque<PlanNode> nodes;  // in graph order; addresses stay
  std::vector<size_t> order;   // producers first
  std::vector<std::string> notes;
};

// Wires `graph`, adding to `wrong` what cannot be. `missing` gets what is wrong with plugins rather than with the graph. Loads
// the plugins that the graph names.
PlannedGraph wire(const Graph& graph, Plugins& plugins, std::vector<Diagnostic>& wrong, std::vector<Diagnostic>& missing);

}  // namespace npurt
