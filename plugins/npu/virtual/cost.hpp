// How long a launch would take: the slowest of computing, one shim channel and host memory, plus a dispatch. The constants of a
// generation are in configs/devices.yaml, the cycles of a kernel in its manifest; docs/hardware.md says how well this does.
#pragma once

#include <cstddef>
#include <generations.hpp>

#include "usage.hpp"

namespace npurt_npu {

// Cycles of a shim channel: a word in each, run_cycles for each contiguous piece of host memory, and page_cycles for each page of
// way between them.
uint64_t channel_cycles(const Generation& g, uint64_t words, const Pieces& pieces);

// Seconds of one launch, without its dispatch.
double launch_seconds(const Generation& g, const Usage& u);

// Seconds to dispatch a list of launches: alone, or as a run list.
double dispatch_seconds(const Generation& g, size_t launches);

// A matrix product in the dataflow of mlir-aie's whole_array on all columns, as others measured it on four: B may be packed, as
// ours, or row-major, as theirs.
struct WholeArray {
  uint64_t M, K, N, m, k, n;  // the product, and the tile of a core
  uint64_t in_bytes, out_bytes;
  uint64_t cycles, cycles_to_clear;  // of one call of the kernel
  bool packed_b;
};
// What it would use, without running it.
Usage whole_array_usage(const Generation& g, const WholeArray& w);

// Cycles of mlir-aie's own kernel on a tile, fitted to ignite-xdna's measurements of one core.
uint64_t stock_cycles(uint64_t m, uint64_t k, uint64_t n, uint64_t in_bytes);

}  // namespace npurt_npu
