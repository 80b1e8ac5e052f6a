// Calls of one node, as those outside a run see them.
#pragma once

#include "wire.hpp"

namespace npurt {

// The shapes of `tensors`; throws Error(usage) for an unknown dtype or too many dims.
std::vector<npurt_spec> specs(const std::vector<Tensor>& tensors);
Tapped tapped(const PlanNode& p, const npurt_call& c);

}  // namespace npurt
