// What a launch moves, read off its instruction stream without running it.
#pragma once

#include <generations.hpp>
#include <span>

#include "usage.hpp"

namespace npurt_npu {

// All of Usage but core_cycles. The stream must be one that the virtual NPU accepts.
Usage traffic(const Generation& g, std::span<const uint32_t> stream);

}  // namespace npurt_npu
