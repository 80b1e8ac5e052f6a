// bf16 on the host's side of a launch.
#pragma once

#include <cstdint>

namespace npurt_npu {

// To nearest even; NaN stays NaN.
inline uint16_t bf16_of(float x) {
  const auto bits = __builtin_bit_cast(uint32_t, x);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return static_cast<uint16_t>(bits >> 16 | 64);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}
inline float float_of(uint16_t bf16) { return __builtin_bit_cast(float, static_cast<uint32_t>(bf16) << 16); }

// x ≈ high + low, to 16 bits or so.
struct SplitBf16 {
  explicit SplitBf16(float x) : high(bf16_of(x)), low(bf16_of(x - float_of(high))) {}
  uint16_t high, low;
};

}  // namespace npurt_npu
