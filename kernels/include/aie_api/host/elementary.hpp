// Products of lanes, sums of f32, and the inverse square root, as kernels over rows use them.
#pragma once

#include "lanes.hpp"

namespace aie {
inline namespace AIE_HOST_LEVEL {

namespace host {
// f32 subnormals count as zero.
inline float flushed(float x) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  return bits & 0x7F800000 ? x : __builtin_bit_cast(float, bits & 0x80000000);
}
}  // namespace host

// A product of two bf16 fits an f32 exactly, but for what leaves the range of its exponents.
template <unsigned Elems>
inline accum<accfloat, Elems> mul(const vector<bfloat16, Elems>& a, const vector<bfloat16, Elems>& b) {
  accum<accfloat, Elems> out;
  for (unsigned i = 0; i < Elems; ++i) out.lane[i] = host::flushed(static_cast<float>(a.lane[i]) * static_cast<float>(b.lane[i]));
  return out;
}

template <unsigned Elems>
inline accum<accfloat, Elems> add(const accum<accfloat, Elems>& a, const accum<accfloat, Elems>& b) {
  accum<accfloat, Elems> out;
  for (unsigned i = 0; i < Elems; ++i) out.lane[i] = host::flushed(a.lane[i]) + host::flushed(b.lane[i]);
  return out;
}

// Halves are added to each other until one lane is left.
template <unsigned Elems>
inline float reduce_add(vector<float, Elems> v) {
  for (unsigned n = Elems / 2; n > 0; n /= 2)
    for (unsigned i = 0; i < n; ++i) v.lane[i] = host::flushed(v.lane[i]) + host::flushed(v.lane[i + n]);
  return v.lane[0];
}

// aie_api's for AIE2: a magic seed and one step, with its constants; good to 0.1 %.
inline float invsqrt(float x) {
  const float y = __builtin_bit_cast(float, 0x5F1FFFF9U - (__builtin_bit_cast(uint32_t, x) >> 1));
  return y * 0.703952253F * (2.38924456F - x * y * y);
}

}  // namespace AIE_HOST_LEVEL
}  // namespace aie
