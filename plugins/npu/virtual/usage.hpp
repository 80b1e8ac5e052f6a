#pragma once

#include <cstdint>

namespace npurt_npu {

// What a launch used.
struct Usage {
  uint64_t core_cycles = 0;        // of the busiest core
  uint64_t channel_cycles = 0;     // of the busiest shim channel
  uint64_t read = 0, written = 0;  // bytes of host memory
  uint64_t pushes = 0;             // tasks given to shim channels
};

}  // namespace npurt_npu
