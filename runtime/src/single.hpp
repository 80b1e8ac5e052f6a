// Calls of one node, as those outside a run see them.
#pragma once

#include "step.hpp"

namespace npurt {

// The shapes of `tensors`; throws Error(usage) for an unknown dtype or too many dims.
std::vector<npurt_spec> specs(const std::vector<Tensor>& tensors);
Tapped tapped(const PlanNode& p, const npurt_call& c);

// The node `id` of an idle plan, if it can run by itself; else throws Error(usage).
PlanNode& find_idle(Plan& plan, const std::string& id);
// What a run sets in the surroundings, for calls outside of one.
void ready_alone(Surroundings& around);
// Makes `in` the inputs of the step's next call. Throws Error(usage) if they are not what was planned.
void give(Step& step, const PlanNode& p, const std::vector<Tensor>& in);

}  // namespace npurt
