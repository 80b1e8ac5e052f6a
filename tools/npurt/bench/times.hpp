// The candidates of a graph's nodes, each timed on what the node gets in a run: for `npurt tune` and `npurt bench`.
#pragma once

#include <npurt/runtime.hpp>
#include <string>
#include <vector>

#include "selection.hpp"

namespace npurt::cli {

struct NodeTimes {
  std::string op, in, out;         // shapes as text
  std::vector<std::string> nodes;  // that have these shapes and options
  double flops = 0, bytes = 0;     // of one call; flops is 0 for ops that are no products
  std::vector<Tuned> candidates;
};

struct TimesOptions {
  Selection selection;
  std::string input;
  std::vector<std::string> ops;  // only these; empty: all
  double budget_s = 0.2;         // for each candidate
};

// Runs the graph once, then each candidate of each node that can run by itself, one entry for nodes that do the same.
// `progress` is told of each node. Stops early once `cancel` is set. Throws Error.
std::vector<NodeTimes> time_nodes(const TimesOptions& options, const std::atomic<bool>& cancel,
                                  const std::function<void(const std::string&)>& progress);

// The candidate that took least; null if all refused.
const Tuned* fastest(const NodeTimes& n);

}  // namespace npurt::cli
