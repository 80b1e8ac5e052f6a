// Softmax attention of one head over tiles of keys, each seen twice: first for every query's maximum over all keys, then for the
// sums. Knowing the maximum before, nothing ever has to be scaled again, which AIE2 could only do slowly: it has no f32
// multiplier.
//
// Q [queries, width] and P are in blocks of r x s, K [width, keys] and V [keys, values] in blocks of s x t, sums in blocks of
// r x t. V has a column of ones, so that its sums hold the softmax's denominator too.
#pragma once

#include <lut_based_ops.h>

#include "../matmul/tile.hpp"

namespace {

template <unsigned queries, unsigned keys, unsigned width, unsigned values, unsigned r, unsigned s, unsigned t>
struct SoftmaxTile {
  using Block = aie::mmul<r, s, t, bfloat16, bfloat16>;
  using Lanes = aie::vector<bfloat16, Block::size_C>;
  static constexpr unsigned kSteps = width / s, kKeyBlocks = keys / t;
  // Beyond this the table of exponentials ends; e^-90 is 0 in any sum.
  static constexpr float kLeast = -90.0F;

  // Scores of one block of 4 queries and 4 keys.
  static inline Block scores(const bfloat16* q, const bfloat16* k) {
    Block c(aie::zeros<float, Block::size_C>());
    for (unsigned i = 0; i < kSteps; ++i)
      c.mac(aie::load_v<Block::size_A>(q + i * Block::size_A), aie::load_v<Block::size_B>(k + i * kKeyBlocks * Block::size_B));
    return c;
  }

  // Lanes 4i … 4i+3 all become the largest of them.
  static inline Lanes row_maximum(Lanes x) {
    for (int i = 0; i < 2; ++i) {
      const auto halves = aie::interleave_unzip(x, x, 1);
      x = aie::max(halves.first, halves.second);
    }
    for (int i = 0; i < 2; ++i) x = aie::interleave_zip(x, x, 1).first;
    return x;
  }

  static inline void begin(float* out, bfloat16* top) {
    clear<queries * values>(out);
    const Lanes least = aie::broadcast<bfloat16, Block::size_C>(bfloat16(-3e38F));
    for (unsigned i = 0; i < queries / r; ++i) aie::store_v(top + i * Block::size_C, least);
  }

  // top = max(top, scores of this tile); only the first `valid` keys count, a multiple of 4.
  static inline void maximum(const bfloat16* q, const bfloat16* k, bfloat16* top, unsigned valid) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    for (unsigned i = 0; i < queries / r; ++i) {
      Lanes most = aie::load_v<Block::size_C>(top + i * Block::size_C);
      for (unsigned j = 0; j < valid / t; ++j)
        most = aie::max(most, scores(q + i * kSteps * Block::size_A, k + j * Block::size_B).template to_vector<bfloat16>());
      aie::store_v(top + i * Block::size_C, row_maximum(most));
    }
  }

  // out += e^(scores - top) · V, eight queries at a time; p has room for their weights.
  static inline void add(const bfloat16* q, const bfloat16* k, const bfloat16* v, float* out, const bfloat16* top, bfloat16* p,
                         unsigned valid) {
    const Lanes least = aie::broadcast<bfloat16, Block::size_C>(bfloat16(kLeast));
    for (unsigned strip = 0; strip < queries / (2 * r); ++strip) {
      for (unsigned half = 0; half < 2; ++half) {
        const unsigned i = 2 * strip + half;
        const aie::accum<accfloat, Block::size_C> most(aie::load_v<Block::size_C>(top + i * Block::size_C));
        bfloat16* row = p + half * r * keys;
        for (unsigned j = 0; j < kKeyBlocks; j += 2) {
          Lanes weight[2];
          for (unsigned n = 0; n < 2; ++n) {
            weight[n] = aie::zeros<bfloat16, Block::size_C>();
            if (j + n >= valid / t) continue;
            const auto score = scores(q + i * kSteps * Block::size_A, k + (j + n) * Block::size_B);
            aie::set_rounding(aie::rounding_mode::conv_even);
            const Lanes x = aie::sub(score.to_accum(), most).template to_vector<bfloat16>();
            // The table wants floor; the weights are then cut off, in numerator and denominator alike.
            aie::set_rounding(aie::rounding_mode::floor);
            weight[n] = getExpBf16(aie::max(x, least)).template to_vector<bfloat16>();
          }
          const auto rows = aie::interleave_zip(weight[0], weight[1], t);
          aie::store_v(row + j * Block::size_C, rows.first);
          aie::store_v(row + (j + 1) * Block::size_C, rows.second);
        }
      }
      add_product<2 * r, keys, values, r, s, t>(p, v, out + strip * 2 * r * values);
    }
  }
};

}  // namespace
