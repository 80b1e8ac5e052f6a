// Layer normalisation (Ba et al. 2016, arXiv:1607.06450) of rows of bf16: y = (x - mean) / sqrt(variance + 1e-5) · gamma + beta.
// The variance is that of differences to the mean, so that nothing cancels. AIE2 multiplies bf16 only, so the factor of a row is
// split in two of them.
#include "kernel.hpp"

#include <manifests.hpp>

NPURT_KERNELS {
  namespace {
  constexpr unsigned kLanes = 16;
  using Lanes = aie::vector<bfloat16, kLanes>;
  using Sum = aie::accum<accfloat, kLanes>;

  inline Lanes difference(const bfloat16* x, const Sum& mean) {
    return aie::sub(Sum(aie::load_v<kLanes>(x)), mean).to_vector<bfloat16>();
  }
  }  // namespace

  // `rows` rows of `width` values, a multiple of 16; share is 1 / width. scale holds gamma, then beta.
  void layer_norm_bf16(const bfloat16* x, const bfloat16* scale, bfloat16* y, unsigned rows, unsigned width, float share) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    for (unsigned row = 0; row < rows; ++row, x += width, y += width) {
      Sum sum(aie::zeros<float, kLanes>()), squares(aie::zeros<float, kLanes>());
      for (unsigned i = 0; i < width; i += kLanes) sum = aie::add(sum, Sum(aie::load_v<kLanes>(x + i)));
      const Sum mean(aie::broadcast<float, kLanes>(aie::reduce_add(sum.to_vector<float>()) * share));
      for (unsigned i = 0; i < width; i += kLanes) {
        const Lanes d = difference(x + i, mean);
        squares = aie::add(squares, aie::mul(d, d));
      }
      const float factor = aie::invsqrt(aie::reduce_add(squares.to_vector<float>()) * share + 1e-5F);
      const bfloat16 high(factor), low(factor - static_cast<float>(high));
      const Lanes highs = aie::broadcast<bfloat16, kLanes>(high), lows = aie::broadcast<bfloat16, kLanes>(low);
      for (unsigned i = 0; i < width; i += kLanes) {
        const Lanes d = difference(x + i, mean);
        const Lanes n = aie::add(aie::mul(d, highs), aie::mul(d, lows)).to_vector<bfloat16>();
        const Sum gained = aie::mul(n, aie::load_v<kLanes>(scale + i));
        aie::store_v(y + i, aie::add(gained, Sum(aie::load_v<kLanes>(scale + width + i))).to_vector<bfloat16>());
      }
    }
  }
}
