#pragma once

#include "inner.hpp"
#include "work.hpp"

namespace npurt {

struct Plan::Body {
  Surroundings around;  // outlives the stages
  PlannedGraph graph;
  double plan_s = 0;
};

// Calls f(PlanNode) for every node in graph order, those of inner graphs after the node they belong to.
template <typename G, typename F>
void each_node(G& g, F&& f) {
  for (auto& p : g.nodes) {
    if (p.absent) continue;
    f(p);
    if (p.host)
      for (const auto& inner : p.host->inner()) each_node(inner->graph(), f);
  }
}

}  // namespace npurt
