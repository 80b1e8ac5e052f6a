// One tile of a matrix product on one core: C[m,n] += A[m,k]·B[k,n], held in blocks: A as [m/r][k/s][r][s], B as
// [k/s][n/t][s][t], C as [m/r][n/t][r][t], where r, s, t is the shape that one instruction multiplies. The DMA engines of the
// memory tiles bring matrices into that order.
//
// Two by two blocks are kept in accumulators, so that each block that is loaded is used twice.
#pragma once

#include "kernel.hpp"

template <unsigned m, unsigned k, unsigned n, unsigned r, unsigned s, unsigned t, typename In, typename Out>
static inline void add_product(const In* __restrict a, const In* __restrict b, Out* __restrict c) {
  using Block = aie::mmul<r, s, t, In, In>;
  static_assert(m % (2 * r) == 0 && k % s == 0 && n % (2 * t) == 0);
  constexpr unsigned rows = m / r, inner = k / s, cols = n / t;
  for (unsigned i = 0; i < rows; i += 2) {
    for (unsigned j = 0; j < cols; j += 2) {
      Out* c0 = c + (i * cols + j) * Block::size_C;
      Out* c1 = c0 + cols * Block::size_C;
      Block c00(aie::load_v<Block::size_C>(c0)), c01(aie::load_v<Block::size_C>(c0 + Block::size_C));
      Block c10(aie::load_v<Block::size_C>(c1)), c11(aie::load_v<Block::size_C>(c1 + Block::size_C));
      const In* a0 = a + i * inner * Block::size_A;
      const In* a1 = a0 + inner * Block::size_A;
      const In* b0 = b + j * Block::size_B;
      for (unsigned l = 0; l < inner; ++l) {
        const auto x0 = aie::load_v<Block::size_A>(a0 + l * Block::size_A);
        const auto x1 = aie::load_v<Block::size_A>(a1 + l * Block::size_A);
        const auto y0 = aie::load_v<Block::size_B>(b0 + l * cols * Block::size_B);
        const auto y1 = aie::load_v<Block::size_B>(b0 + l * cols * Block::size_B + Block::size_B);
        c00.mac(x0, y0);
        c01.mac(x0, y1);
        c10.mac(x1, y0);
        c11.mac(x1, y1);
      }
      aie::store_v(c0, c00.template to_vector<Out>());
      aie::store_v(c0 + Block::size_C, c01.template to_vector<Out>());
      aie::store_v(c1, c10.template to_vector<Out>());
      aie::store_v(c1 + Block::size_C, c11.template to_vector<Out>());
    }
  }
}

template <unsigned count, typename T>
static inline void clear(T* c) {
  constexpr unsigned lanes = 64 / sizeof(T);
  for (unsigned i = 0; i < count; i += lanes) aie::store_v(c + i, aie::zeros<T, lanes>());
}
