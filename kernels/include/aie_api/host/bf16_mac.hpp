// C[4,4] += A[4,8]·B[8,4] of bf16 into f32, with the bits that AIE2 gives. It is neither a chain of fused multiply-adds nor a
// sum of floats: the eight products of a lane and its accumulator are first rounded, each for itself and to nearest even, to
// multiples of 2^-23 of the largest exponent among the nine (a product counts as one more than the sum of its exponents), then
// added exactly, then rounded once. Small terms are lost beside large ones even where the large ones cancel.
//
// Source: measurements on an NPU1, published as FIM43-Redeye/xdna-emu (MIT), vector_matmul/bf16_pipeline.rs.
#pragma once

#include "vector.hpp"

namespace aie {
inline namespace AIE_HOST_LEVEL {
namespace host {

// One lane in integers, as the hardware does it, with NaN and Inf: the model that the fast code below must agree with.
inline float mac_lane(float acc, const bfloat16* a, const bfloat16* b, unsigned stride) {
  const uint32_t q = __builtin_bit_cast(uint32_t, acc);
  struct Term {
    bool negative;
    int exponent;
    int64_t mantissa;
  } term[9];
  bool nan = false, inf = false, minus_inf = false, products = false;
  auto special = [&](bool is_nan, bool is_inf, bool negative) {
    nan = nan || is_nan || (inf && is_inf && negative != minus_inf);
    if (is_inf && !inf) minus_inf = negative;
    inf = inf || is_inf;
  };
  for (unsigned k = 0; k < 8; ++k) {
    const unsigned x = a[k].bits, y = b[k * stride].bits;
    const int ex = static_cast<int>(x >> 7 & 255), ey = static_cast<int>(y >> 7 & 255);
    const unsigned mx = x & 127, my = y & 127;
    const bool zero = !(x & 0x7FFF) || !(y & 0x7FFF), negative = (x ^ y) >> 15;
    const bool is_inf = (ex == 255 && !mx) || (ey == 255 && !my);
    special((ex == 255 && mx) || (ey == 255 && my) || (is_inf && zero), is_inf, negative);
    term[k] = {negative, zero ? 0 : (ex ? ex : 1) + (ey ? ey : 1) + 1,
               static_cast<int64_t>((ex ? 128 + mx : mx) * (ey ? 128 + my : my)) << 9};
    products = products || !zero;
  }
  const int eq = static_cast<int>(q >> 23 & 255);
  const uint32_t mq = q & 0x7FFFFF;
  const bool q_nan = eq == 255 && mq;
  special(q_nan, eq == 255 && !mq, q >> 31);
  term[8] = {q >> 31 != 0, q << 1 ? (eq ? eq : 1) + 128 : 0, eq ? 0x800000 + static_cast<int64_t>(mq) : mq};
  if (q_nan && !products) return acc;
  if (inf && !nan) return __builtin_bit_cast(float, minus_inf ? 0xFF800000U : 0x7F800000U);

  int top = 0;
  for (const Term& t : term) top = t.exponent > top ? t.exponent : top;
  int64_t sum = 0;
  for (const Term& t : term) {
    if (t.exponent == 0) continue;
    const int shift = top - t.exponent < 40 ? top - t.exponent : 40;
    const int64_t half = (int64_t{1} << shift) >> 1, kept = t.mantissa >> shift, rest = t.mantissa - (kept << shift);
    const int64_t rounded = kept + (shift && (rest > half || (rest == half && (kept & 1))));
    sum += t.negative ? -rounded : rounded;
  }
  const bool negative = sum < 0;
  auto mantissa = static_cast<uint64_t>(negative ? -sum : sum);
  if (mantissa == 0) return __builtin_bit_cast(float, nan ? 0x7F800001U : 0U);
  int exponent = top - 128;  // of a mantissa with bit 23 on top
  while (mantissa < 0x800000) mantissa <<= 1, --exponent;
  const int over = 40 - __builtin_clzll(mantissa);  // bits above 23
  if (over > 0) {
    const uint64_t half = uint64_t{1} << (over - 1), rest = mantissa & ((half << 1) - 1);
    mantissa >>= over;
    exponent += over;
    mantissa += rest > half || (rest == half && (mantissa & 1));
    if (mantissa >> 24) mantissa >>= 1, ++exponent;
  }
  const bool fits = exponent > 0 && exponent < 255;
  uint32_t bits = negative ? 0x80000000U : 0U;
  if (nan) bits |= 0x7F800001U | (fits ? mantissa & 0x7FFFFF : 0);
  else if (exponent <= 0) bits = 0;
  else if (!fits) bits |= 0x7F800000U;
  else bits |= static_cast<uint32_t>(exponent) << 23 | static_cast<uint32_t>(mantissa & 0x7FFFFF);
  return __builtin_bit_cast(float, bits);
}

// Sixteen lanes at once, in doubles: a product of two bf16 is exact there, and adding and subtracting 1.5·2^52 units rounds it
// to whole units, to nearest even. Sums of nine such terms are exact, and the last conversion rounds once. Blocks that touch NaN
// or Inf, or whose sums come near the subnormals, are left to mac_lane.
using doubles = double __attribute__((vector_size(32)));
using longs = int64_t __attribute__((vector_size(32)));
using ints = int32_t __attribute__((vector_size(16)));
using floats = float __attribute__((vector_size(16)));

// A block of 32 bf16 as exponents and values, eight at a time. A zero's exponent is so small that no product with it has the
// largest one. Returns whether there is NaN or Inf.
inline bool split(const bfloat16* x, ints* exponent, doubles* value) {
  using halves = uint16_t __attribute__((vector_size(16)));
  using words = int32_t __attribute__((vector_size(32)));
  using singles = float __attribute__((vector_size(32)));
  using wide = double __attribute__((vector_size(64)));
  words seen = {};
  for (int i = 0; i < 4; ++i) {
    halves h;
    __builtin_memcpy(&h, x + 8 * i, sizeof h);
    const words bits = __builtin_convertvector(h, words) << 16, size = bits & 0x7FFFFFFF, e = size >> 23;
    seen |= e == 255;
    const words shown = size == 0 ? e - 1024 : e == 0 ? e + 1 : e;
    __builtin_memcpy(exponent + 2 * i, &shown, sizeof shown);
    const wide v = __builtin_convertvector(__builtin_bit_cast(singles, bits), wide);
    __builtin_memcpy(value + 2 * i, &v, sizeof v);
  }
  int32_t any = 0;
  for (int i = 0; i < 8; ++i) any |= seen[i];
  return any != 0;
}

inline void mac_4x8x4(float* c, const bfloat16* a, const bfloat16* b) {
  ints ea[8], eb[8], special = {};
  doubles va[8], vb[8];
  floats out[4];
  const bool seen_a = split(a, ea, va), seen_b = split(b, eb, vb);
  for (int i = 0; i < 4; ++i) {
    floats q;
    __builtin_memcpy(&q, c + 4 * i, sizeof q);
    const ints size = __builtin_bit_cast(ints, q) & 0x7FFFFFFF, e = size >> 23;
    special |= e == 255;
    ints top = size == 0 ? ints{} : (e == 0 ? e + 1 : e) + 128;
    for (int k = 0; k < 8; ++k) {
      const ints sum = eb[k] + (ea[2 * i + k / 4][k % 4] + 1);
      top = sum > top ? sum : top;
    }
    const longs magic_bits = __builtin_convertvector(top + 797, longs) << 52 | int64_t{1} << 51;
    const doubles magic = __builtin_bit_cast(doubles, magic_bits);
    doubles sum = __builtin_convertvector(q, doubles) + magic - magic;
    for (int k = 0; k < 8; ++k) sum += vb[k] * va[2 * i + k / 4][k % 4] + magic - magic;
    out[i] = __builtin_convertvector(sum, floats);
    const doubles size_of_sum = sum < 0 ? -sum : sum;
    special |= __builtin_convertvector((size_of_sum < 0x1p-125) & (size_of_sum != 0), ints);
  }
  if (seen_a | seen_b | special[0] | special[1] | special[2] | special[3]) {
    float exact[16];
    for (int i = 0; i < 16; ++i) exact[i] = mac_lane(c[i], a + i / 4 * 8, b + i % 4, 4);
    __builtin_memcpy(c, exact, sizeof exact);
  } else {
    __builtin_memcpy(c, out, sizeof out);
  }
}

}  // namespace host
}  // namespace AIE_HOST_LEVEL
}  // namespace aie
