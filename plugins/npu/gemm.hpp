// C[M,N] = A[M,K]·B[K,N] on the whole array, one launch for any shape, in the dataflow of array.hpp. Each core keeps a tile of C
// while tiles of A and B pass by.
//
//   A: rows of tiles y, y+4, …, row-major in host memory
//   B: columns of tiles x, x+columns, …, packed once, ahead, in the order in which it is streamed
//   C: row-major in host memory
#pragma once

#include <generations.hpp>

#include "design.hpp"
#include "virtual/usage.hpp"

namespace npurt_npu {

// What one core works on, as the kernel's manifest has it.
struct GemmTile {
  const char* kernel;         // "i8"
  unsigned m, k, n, r, s, t;  // tile, and the block of one instruction
  unsigned in_bytes, out_bytes;
  unsigned stack, copies_of_c;
  unsigned cycles, cycles_to_clear;  // of one call
  void (*multiply)(const void* a, const void* b, void* c);
  void (*clear)(void* c);
};
const GemmTile& gemm_i8();    // i8·i8 into i32
const GemmTile& gemm_bf16();  // bf16·bf16 into f32

struct GemmShape {
  uint64_t m, k, n;
};

// The shape that the array works on: whole tiles, four of them in each direction of the array. What is added must be zeros.
GemmShape padded(const Generation& g, const GemmTile& t, const GemmShape& shape);

CoreProgram gemm_program(const GemmTile& t);
Design gemm_design(const Generation& g, const GemmTile& t);

// The launch of a padded shape; data buffers are A, B, C. Throws LimitError for what no launch can do.
std::vector<uint32_t> gemm_instructions(const Generation& g, const GemmTile& t, const GemmShape& padded);

// What that launch uses, without running it.
Usage gemm_usage(const Generation& g, const GemmTile& t, const GemmShape& padded);

// Where element (k, n) of a padded B lies in its packed form, in elements.
uint64_t packed_place(const Generation& g, const GemmTile& t, const GemmShape& padded, uint64_t k, uint64_t n);

}  // namespace npurt_npu
