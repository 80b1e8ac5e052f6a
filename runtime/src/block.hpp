// Blocks that one candidate takes whole: the plan then has one node where the graph has many, and the many are what takes over
// after a fault.
#pragma once

#include "wire.hpp"

namespace npurt {

// After block `i` was placed: its own nodes leave the plan, who reads from them reads from it, and "nodes" is its last candidate.
void take_whole(PlannedGraph& g, size_t i);

// After every candidate of block `i` refused: the block leaves the plan, and its nodes know why.
void leave_to_nodes(PlannedGraph& g, size_t i);

// Adds a note for each reason that left blocks to their nodes.
void note_blocks(PlannedGraph& g);

// "" if the nodes that took over for `p` meet every --require that names them; else the first that they do not.
std::string unmet_inside(const PlanNode& p, const PlanOptions& options);

}  // namespace npurt
