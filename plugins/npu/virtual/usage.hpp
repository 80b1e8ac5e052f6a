#pragma once

#include <cstdint>

namespace npurt_npu {

constexpr uint64_t kPage = 4096;  // bytes

// Contiguous pieces of host memory that a channel moved. The way from one to the next counts up to a page, which is when the
// memory has to open another row.
struct Pieces {
  uint64_t count = 0, way = 0;  // way: in bytes
  void add(uint64_t distance, uint64_t times = 1) {
    count += times;
    way += times * (distance < kPage ? distance : kPage);
  }
  void add(const Pieces& more, uint64_t times = 1) {
    count += times * more.count;
    way += times * more.way;
  }
};

// What a launch used.
struct Usage {
  uint64_t core_cycles = 0;        // of the busiest core
  uint64_t channel_cycles = 0;     // of the busiest shim channel
  uint64_t read = 0, written = 0;  // bytes of host memory
  uint64_t pushes = 0;             // tasks given to shim channels
};

}  // namespace npurt_npu
