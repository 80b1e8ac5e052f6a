// GELU with erf (Hendrycks and Gimpel 2016, arXiv:1606.08415): x · Φ(x) = max(x, 0) - |x| · Φ(-|x|), in which nothing cancels.
// Φ(-u) is a polynomial in t = u / 2 - 1 for u up to 4, beyond which less than 0.0002 is left. AIE2 multiplies bf16 only, so
// t and the polynomial's steps are split in two of them: one alone would leave 0.003 where nothing should be.
#include "kernel.hpp"

NPURT_KERNELS {
  namespace {
  constexpr unsigned kLanes = 16;
  using Lanes = aie::vector<bfloat16, kLanes>;
  using Sum = aie::accum<accfloat, kLanes>;

  // Least squares over t in -1 … 1, where u is large above all; within 4e-5.
  constexpr float kPhi[] = {0.022732F, -0.107793F, 0.216716F, -0.218952F, 0.066843F, 0.085079F, -0.074073F, -0.00829F, 0.017787F};

  inline Sum all(float x) { return Sum(aie::broadcast<float, kLanes>(x)); }
  inline Lanes negative(const Lanes& x) { return aie::sub(all(0), Sum(x)).to_vector<bfloat16>(); }

  // The sum of both is f32's first 16 bits.
  struct Split {
    explicit Split(const Sum& x) : high(x.to_vector<bfloat16>()), low(aie::sub(x, Sum(high)).to_vector<bfloat16>()) {}
    Lanes high, low;
  };
  }  // namespace

  // `count` values, a multiple of 16.
  void gelu_bf16(const bfloat16* x, bfloat16* y, unsigned count) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    const Lanes half = aie::broadcast<bfloat16, kLanes>(bfloat16(0.5F)),
                least = aie::broadcast<bfloat16, kLanes>(bfloat16(-4.0F));
    const Lanes none = aie::zeros<bfloat16, kLanes>();
    for (unsigned i = 0; i < count; i += kLanes) {
      const Lanes v = aie::load_v<kLanes>(x + i);
      const Lanes down = aie::max(negative(aie::max(v, negative(v))), least);  // -u
      const Lanes u = negative(down);
      const Split t(aie::sub(aie::mul(u, half), all(1)));
      constexpr unsigned kDegree = sizeof kPhi / sizeof kPhi[0] - 1;
      Sum p = all(kPhi[kDegree]);
      for (unsigned k = kDegree; k-- > 0;) {
        const Split q(p);
        p = aie::add(aie::add(aie::mul(q.high, t.high), aie::add(aie::mul(q.high, t.low), aie::mul(q.low, t.high))),
                     all(kPhi[k]));
      }
      const Sum out = aie::add(Sum(aie::max(v, none)), aie::mul(down, p.to_vector<bfloat16>()));
      aie::store_v(y + i, out.to_vector<bfloat16>());
    }
  }
}
