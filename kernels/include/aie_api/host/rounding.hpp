// How AIE2 shortens numbers: shift-round-saturate (SRS) of accumulators, and f32 to bf16.
#pragma once

#include <stdint.h>

namespace aie {
inline namespace AIE_HOST_LEVEL {

// The codes are those of the core's crRnd register. floor and ceil look at every dropped bit; from negative_inf on, only ties
// are in question.
enum class rounding_mode : uint8_t {
  floor = 0,
  ceil = 1,
  symmetric_floor = 2,
  symmetric_ceil = 3,
  negative_inf = 8,
  positive_inf = 9,
  symmetric_zero = 10,
  symmetric_inf = 11,
  conv_even = 12,
  conv_odd = 13,
};

// The codes of crSat: wrap around, [-2^(n-1), 2^(n-1) - 1], or [-(2^(n-1) - 1), 2^(n-1) - 1].
enum class saturation_mode : uint8_t { none = 0, saturate = 1, symmetric = 3 };

// The two control registers of a core. They outlive a kernel's call, as on the device: a kernel sets what it needs.
struct control {
  rounding_mode rounding = rounding_mode::floor;
  saturation_mode saturation = saturation_mode::none;
};
inline thread_local control registers;

inline void set_rounding(rounding_mode m) { registers.rounding = m; }
inline rounding_mode get_rounding() { return registers.rounding; }
inline void set_saturation(saturation_mode m) { registers.saturation = m; }
inline saturation_mode get_saturation() { return registers.saturation; }

namespace host {

// Whether to add one, given the sign, the last bit kept, the first bit dropped (guard) and whether any later one is set
// (sticky). `magnitude` tells that the bits are a magnitude and not two's complement.
inline bool rounds_up(rounding_mode mode, bool negative, bool last, bool guard, bool sticky, bool magnitude) {
  const int code = static_cast<int>(mode);
  const bool ties_only = code >= 8;
  const bool symmetric = code == 2 || code == 3 || code == 10 || code == 11;
  const bool other = code == 1 || code == 3 || code == 9 || code == 11 || code == 13;
  bool up = code >= 12 ? last : symmetric != magnitude && negative;
  up = up != other;
  return ties_only ? guard && (up || sticky) : up && (guard || sticky);
}

// acc / 2^shift as a `bits` wide signed integer. shift is 0…63.
inline int64_t srs(int64_t acc, unsigned shift, unsigned bits) {
  int64_t kept = acc >> shift;
  if (shift > 0) {
    const bool guard = acc >> (shift - 1) & 1;
    const bool sticky = shift > 1 && (acc & ((int64_t{1} << (shift - 1)) - 1)) != 0;
    kept += rounds_up(registers.rounding, acc < 0, kept & 1, guard, sticky, false);
  }
  const int64_t most = (int64_t{1} << (bits - 1)) - 1;
  const int64_t least = registers.saturation == saturation_mode::symmetric ? -most : -most - 1;
  if (registers.saturation == saturation_mode::none)
    return static_cast<int64_t>(static_cast<uint64_t>(kept) << (64 - bits)) >> (64 - bits);
  return kept > most ? most : kept < least ? least : kept;
}

// The upper half of an f32, rounded. NaN stays NaN, subnormals stay.
inline uint16_t bf16_bits(float x) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  const auto upper = static_cast<uint16_t>(bits >> 16);
  if ((bits & 0x7F800000) == 0x7F800000) return static_cast<uint16_t>(upper | ((bits & 0x007FFFFF) && !(upper & 0x7F)));
  const bool up = rounds_up(registers.rounding, bits >> 31, upper & 1, bits >> 15 & 1, (bits & 0x7FFF) != 0, true);
  return static_cast<uint16_t>(upper + up);
}

}  // namespace host
}  // namespace AIE_HOST_LEVEL
}  // namespace aie
