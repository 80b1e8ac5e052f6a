// Calls of one node, as those outside a run see them.
#pragma once

#include "wire.hpp"

namespace npurt {

Tapped tapped(const PlanNode& p, const npurt_call& c);

}  // namespace npurt
