// Softmax of rows of bf16: y = e^(x - max) / sum. What is to have no weight must be the lowest number, not zero: a row that was
// filled up with zeros would give them a share.
#include "kernel.hpp"

#include <lut_based_ops.h>

NPURT_KERNELS {
  namespace {
  constexpr unsigned kLanes = 16;
  using Lanes = aie::vector<bfloat16, kLanes>;
  using Sum = aie::accum<accfloat, kLanes>;
  // Beyond this the table of exponentials ends; e^-90 is 0 in any sum.
  constexpr float kLeast = -90.0F;

  // All lanes become the largest.
  inline Lanes largest(Lanes x) {
    for (int i = 0; i < 4; ++i) {
      const auto halves = aie::interleave_unzip(x, x, 1);
      x = aie::max(halves.first, halves.second);
    }
    return x;
  }
  }  // namespace

  // `rows` rows of `width` values, a multiple of 16. y holds the exponentials meanwhile.
  void softmax_bf16(const bfloat16* x, bfloat16* y, unsigned rows, unsigned width) {
    const Lanes least = aie::broadcast<bfloat16, kLanes>(bfloat16(kLeast));
    for (unsigned row = 0; row < rows; ++row, x += width, y += width) {
      Lanes most = aie::load_v<kLanes>(x);
      for (unsigned i = kLanes; i < width; i += kLanes) most = aie::max(most, aie::load_v<kLanes>(x + i));
      const Sum top(largest(most));
      Sum sum(aie::zeros<float, kLanes>());
      for (unsigned i = 0; i < width; i += kLanes) {
        aie::set_rounding(aie::rounding_mode::conv_even);
        const Lanes d = aie::sub(Sum(aie::load_v<kLanes>(x + i)), top).to_vector<bfloat16>();
        // The table wants floor; the sum is of what was cut off, so that the shares still add up to one.
        aie::set_rounding(aie::rounding_mode::floor);
        const Lanes e = getExpBf16(aie::max(d, least)).to_vector<bfloat16>();
        sum = aie::add(sum, Sum(e));
        aie::store_v(y + i, e);
      }
      aie::set_rounding(aie::rounding_mode::conv_even);
      // 1 / sum: the square of its inverse root, and one of Newton's steps.
      const float all = aie::reduce_add(sum.to_vector<float>()), root = aie::invsqrt(all), near = root * root;
      const float share = near * (2.0F - all * near);
      const bfloat16 high(share), low(share - static_cast<float>(high));
      const Lanes highs = aie::broadcast<bfloat16, kLanes>(high), lows = aie::broadcast<bfloat16, kLanes>(low);
      for (unsigned i = 0; i < width; i += kLanes) {
        const Lanes e = aie::load_v<kLanes>(y + i);
        aie::store_v(y + i, aie::add(aie::mul(e, highs), aie::mul(e, lows)).to_vector<bfloat16>());
      }
    }
  }
}
