// A graph inside a stage: planned when the stage opens, then called as a function on the stage's own thread.
#pragma once

#include "step.hpp"

namespace npurt {

class InnerGraph {
 public:
  // Plans `graph`, which runs inside `owner`, for inputs of these shapes; node ids get the owner's before them. Throws Error.
  InnerGraph(const Graph& graph, const std::vector<npurt_spec>& in, const Node& owner, const npurt_host* host,
             Surroundings& around);

  const npurt_inner* face() const { return &face_; }
  PlannedGraph& graph() { return graph_; }
  std::deque<Step>& steps() { return steps_; }  // in order of graph().order

 private:
  int32_t run(const npurt_tensor* in, uint32_t inputs, npurt_tensor* out, uint32_t outputs);

  PlannedGraph graph_;
  std::vector<std::vector<Packet>> results_;  // per node and output port, until the next run
  std::deque<Step> steps_;
  std::vector<Wire> outputs_;
  const npurt_host* host_;
  npurt_inner face_{};
};

}  // namespace npurt
