#pragma once

#include "inner.hpp"

namespace npurt {

struct Plan::Body {
  Surroundings around;  // outlives the stages
  PlannedGraph graph;
  double plan_s = 0;
};

// Calls f(PlanNode, Step* or null) for every node in graph order, those of inner graphs after the node they belong to.
template <typename F>
void each_node(const PlannedGraph& g, F&& f) {
  for (const PlanNode& p : g.nodes) {
    f(p);
    if (p.host)
      for (const auto& inner : p.host->inner()) each_node(inner->graph(), f);
  }
}

}  // namespace npurt
