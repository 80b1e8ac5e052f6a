// Which candidate runs a node: the first whose signature fits, that plans the shapes and that opens.
#pragma once

#include <optional>

#include "wire.hpp"

namespace npurt {

// Why a node could not be placed. REFUSE: no candidate is left; BAD_CONFIG and BUG: `candidate` said so, and that ends it.
struct Unplaced {
  npurt_code code;
  std::string candidate, sentence;
};

// Tries the candidates of `p` from p.tried on, for p.in_specs; every refusal is kept in p.placement. On success p.stage is open.
// A node that was placed before keeps its output shapes: a candidate that would change them is refused.
std::optional<Unplaced> place(PlanNode& p, Surroundings& around);

// Marks the nodes of `g` whose outputs a child process reads or writes: isolated ones, those before them, and with `outputs`
// those that give the graph's own.
void share_packets(PlannedGraph& g, bool outputs);

// Places every node of `g`, producers first; `inputs` are the shapes of the graph's own inputs. Adds what is wrong with the graph
// and its options to `wrong`, what is wrong with plugins to `missing`. A node behind one that failed is left out.
void place_all(PlannedGraph& g, const std::vector<npurt_spec>& inputs, Surroundings& around, std::vector<Diagnostic>& wrong,
               std::vector<Diagnostic>& missing);

// After a fault in p's stage: places the next candidate, if the options let p leave this one. False if none is left.
bool place_next(PlanNode& p, Surroundings& around, const std::string& fault);

// "" if p's placement meets every --require that names it; else the first that it does not: "encoder.*=npu".
std::string unmet(const PlanNode& p, const std::string& device, const std::string& candidate, const PlanOptions& options);
bool names_node(const std::string& pattern, const std::string& node);

}  // namespace npurt
