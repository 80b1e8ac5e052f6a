// Lane by lane: maxima, differences and the order of lanes.
#pragma once

#include "accum.hpp"

namespace aie {
inline namespace AIE_HOST_LEVEL {

// Values are compared as they are ordered; what NaN does is not modelled.
template <unsigned Elems>
inline vector<bfloat16, Elems> max(const vector<bfloat16, Elems>& a, const vector<bfloat16, Elems>& b) {
  vector<bfloat16, Elems> v;
  for (unsigned i = 0; i < Elems; ++i) {
    // As signed integers, with negative numbers turned around, bf16 are in order.
    const auto x = static_cast<int16_t>(a.lane[i].bits), y = static_cast<int16_t>(b.lane[i].bits);
    const auto p = static_cast<int16_t>(x ^ ((x >> 15) & 0x7FFF)), q = static_cast<int16_t>(y ^ ((y >> 15) & 0x7FFF));
    v.lane[i].bits = static_cast<uint16_t>(p > q ? x : y);
  }
  return v;
}

// Accumulators of f32 subtract as IEEE does, but for subnormal inputs, which count as zero.
template <unsigned Elems>
inline accum<accfloat, Elems> sub(const accum<accfloat, Elems>& a, const accum<accfloat, Elems>& b) {
  accum<accfloat, Elems> out;
  for (unsigned i = 0; i < Elems; ++i) {
    const uint32_t x = __builtin_bit_cast(uint32_t, a.lane[i]), y = __builtin_bit_cast(uint32_t, b.lane[i]);
    const uint32_t p = x & 0x7F800000 ? x : x & 0x80000000, q = y & 0x7F800000 ? y : y & 0x80000000;
    out.lane[i] = __builtin_bit_cast(float, p) - __builtin_bit_cast(float, q);
  }
  return out;
}

template <typename T, unsigned Elems>
struct pair_of_vectors {
  vector<T, Elems> first, second;
};

// Groups of `step` lanes of a and b, in turns: a0 b0 a1 b1 …; first holds the lower half of that.
template <typename T, unsigned Elems>
inline pair_of_vectors<T, Elems> interleave_zip(const vector<T, Elems>& a, const vector<T, Elems>& b, unsigned step) {
  pair_of_vectors<T, Elems> out;
  for (unsigned i = 0; i < 2 * Elems; ++i) {
    const unsigned group = i / step, lane = group / 2 * step + i % step;
    (i < Elems ? out.first.lane[i] : out.second.lane[i - Elems]) = (group % 2 ? b : a).lane[lane];
  }
  return out;
}

// The other way round: first holds the even groups of a and then of b, second the odd ones.
template <typename T, unsigned Elems>
inline pair_of_vectors<T, Elems> interleave_unzip(const vector<T, Elems>& a, const vector<T, Elems>& b, unsigned step) {
  pair_of_vectors<T, Elems> out;
  for (unsigned i = 0; i < 2 * Elems; ++i) {
    const T x = i < Elems ? a.lane[i] : b.lane[i - Elems];
    const unsigned group = i / step, lane = group / 2 * step + i % step;
    (group % 2 ? out.second : out.first).lane[lane] = x;
  }
  return out;
}

}  // namespace AIE_HOST_LEVEL
}  // namespace aie
