// A dataflow that designs share: one stream passes by sixteen cores, and each core has pieces of its own, in and out. It takes
// four columns, the half of an NPU4.
//
//   shim 0 -> memory tile 0 -> all 16 cores              the stream, in parts
//   shim x -> memory tile x -> 4 cores of column x       a piece for each core in turn
//   4 cores of column x -> memory tile x -> shim x       a piece of each core in turn
//
// A round is a piece for each core. In host memory pieces lie one after the other: round, column, core.
#pragma once

#include <functional>
#include <string>

#include "design.hpp"
#include "instructions.hpp"
#include "virtual/usage.hpp"

namespace npurt_npu {

constexpr unsigned kSpreadSide = 4, kSpreadFirstCore = 2;

// Bytes of a part of the stream, and of a piece to a core and back: multiples of 512 words.
struct Spread {
  uint32_t stream, in, out;
};

// A core's channels: the stream comes in on 0, pieces on 1, and go out on 0.
void configure_memtiles(Instructions& out, const Spread& s);
std::vector<Route> spread_routes();

// The design `name` ("attention_bf16"): `program` on all cores, each configured by `configure`(out, column, row). Throws
// LimitError where the device has fewer columns than four.
Design spread_design(const Generation& g, const std::string& name, const Spread& s, const CoreProgram& program,
                     const std::function<void(Instructions&, unsigned, unsigned)>& configure);

// The words of one column's pieces of `rounds` rounds, as a shim's descriptor; `bytes` of a piece.
Descriptor pieces_of(uint64_t bytes, uint64_t rounds);
// Where they begin, in bytes, for rounds from `first` on.
uint64_t place_of_pieces(uint64_t bytes, uint64_t first, unsigned column);

}  // namespace npurt_npu
