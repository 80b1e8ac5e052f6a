// Blocks of a matrix product as one AIE2 intrinsic computes them: C[M,N] (+)= A[M,K]·B[K,N], each row-major in its vector.
#pragma once

#include "accum.hpp"
#include "bf16_mac.hpp"
#include "i8_mac.hpp"

namespace aie {
inline namespace AIE_HOST_LEVEL {

template <unsigned M, unsigned K, unsigned N, typename A, typename B = A>
struct mmul {
  static_assert((__is_same(A, int8) && __is_same(B, int8) && M == 4 && K == 8 && N == 8) ||
                    (__is_same(A, bfloat16) && __is_same(B, bfloat16) && M == 4 && K == 8 && N == 4),
                "AIE2 has 4x8x8 for int8 and 4x8x4 for bfloat16; other shapes are built from several and are not modelled");
  static constexpr unsigned size_A = M * K, size_B = K * N, size_C = M * N;
  using Tag = typename host::choose<__is_same(A, int8), acc32, accfloat>::type;

  mmul() = default;
  // Goes on from a C that was stored before.
  template <typename T>
  explicit mmul(const vector<T, size_C>& c, int shift = 0) : acc_(c, shift) {}

  void mul(const vector<A, size_A>& a, const vector<B, size_B>& b) {
    acc_ = accum<Tag, size_C>(zeros<typename Tag::storage, size_C>());
    mac(a, b);
  }
  void mac(const vector<A, size_A>& a, const vector<B, size_B>& b) {
    if constexpr (__is_same(A, int8)) host::mac_4x8x8(acc_.lane, a.lane, b.lane);
    else host::mac_4x8x4(acc_.lane, a.lane, b.lane);
  }
  template <typename T>
  vector<T, size_C> to_vector(int shift = 0) const {
    return acc_.template to_vector<T>(shift);
  }
  accum<Tag, size_C> to_accum() const { return acc_; }

 private:
  accum<Tag, size_C> acc_;
};

}  // namespace AIE_HOST_LEVEL
}  // namespace aie
