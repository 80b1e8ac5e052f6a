// Products of bf16 matrices in f32, for attention: once with AVX-512's dot products of pairs, once with AMX tiles. Plain C types
// only, as in kernels.hpp.
#pragma once

#include <stdint.h>

namespace npurt_cpu {

// Rows of a block of `multiply`.
constexpr int kBf16Rows = 32;

// B [k, n] is packed as [n/16][k/2][16][2]: for each 16 columns, pairs of rows side by side.
struct Bf16Kernels {
  // c[32, n] = a[32, k] · b; k and n are multiples of 32; c's rows are ldc apart.
  void (*multiply)(const uint16_t* a, const uint16_t* b, int64_t k, int64_t n, float* c, int64_t ldc);
  // out = bf16(factor * x)
  void (*convert)(const float* x, int64_t n, float factor, uint16_t* out);
  // Packs rowsᵀ: b [d, 16] from 16 rows of d values that are `stride` apart; rows from `count` on are zeros.
  void (*pack_transposed)(const float* rows, int64_t stride, int64_t count, int64_t d, uint16_t* b);
  // Packs two rows of b [k, d], one pair of every 16 columns; `block` is the distance of the column blocks in values. `second`
  // may be null, for zeros, and so may `first`.
  void (*pack_pair)(const float* first, const float* second, int64_t d, int64_t block, uint16_t* b);
  // p = bf16(2^(s - max(s))) over n values, zeros up to `padded`, a multiple of 16; returns the sum of p.
  float (*softmax2)(const float* s, int64_t n, int64_t padded, uint16_t* p);
};

namespace bf16 {
extern const Bf16Kernels kernels;
}
namespace amx {
extern const Bf16Kernels kernels;
}

}  // namespace npurt_cpu
