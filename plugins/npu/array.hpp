// A dataflow that designs share, that of mlir-aie's whole_array example: pieces of A go along a row of cores, pieces of B down a
// column, and pieces of C come back through the memory tile.
//
//   shim sy   -> memory tile sy -> cores of row y
//   shim x    -> memory tile x  -> cores of column x
//   4 cores of column x, in turns -> memory tile x -> shim x
//
// s: 1 on four columns, which are as many as rows; 2 on eight, so that every other column brings A.
#pragma once

#include <functional>
#include <string>

#include "design.hpp"
#include "instructions.hpp"

namespace npurt_npu {

constexpr unsigned kArraySide = 4, kArrayFirstCore = 2;  // cores of a column, and the row of the first

struct Array {
  unsigned columns;
  uint32_t a, b, c;                     // bytes of a core's pieces
  std::array<Dim, 4> a_order, c_order;  // in which a memory tile hands a piece on, to cores and to its shim
  unsigned a_parts = 1;                 // pieces of A that come to a memory tile at once, a row of each beside the other
  uint32_t a_row = 0;                   // then: bytes of such a row
  unsigned stride() const { return columns / kArraySide; }
};

// A core's channels: A comes in on 0, B on 1, and C goes out on 0. The design `name`: `program` on all cores, each configured by
// `configure`(out, column, row).
Design array_design(const Generation& g, const std::string& name, const Array& array, const CoreProgram& program,
                    const std::function<void(Instructions&, unsigned, unsigned)>& configure);

}  // namespace npurt_npu
