// Vectors of the host shim, lane by lane; loops over whole lanes are what the compiler's vectoriser likes best.
#pragma once

#include <stdint.h>

#include "rounding.hpp"

// As on the device, global types. Converting to bfloat16 rounds as the core's register says.
inline namespace AIE_HOST_LEVEL {
struct bfloat16 {
  uint16_t bits;
  bfloat16() = default;
  explicit bfloat16(float x) : bits(aie::host::bf16_bits(x)) {}
  operator float() const { return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16); }
};
}  // namespace AIE_HOST_LEVEL
using int8 = int8_t;
using uint8 = uint8_t;
using int16 = int16_t;
using int32 = int32_t;

namespace aie {
inline namespace AIE_HOST_LEVEL {

template <typename T, unsigned Elems>
struct vector {
  using value_type = T;
  static constexpr unsigned size() { return Elems; }
  T get(unsigned i) const { return lane[i]; }
  void set(T v, unsigned i) { lane[i] = v; }
  alignas(32) T lane[Elems];
};

// Whether the host may see p as a place for a vector: the device needs 32 bytes, or the size of a smaller vector.
template <typename T, unsigned Elems>
inline void check_alignment(const T* p) {
  constexpr uintptr_t wanted = sizeof(T) * Elems < 32 ? sizeof(T) * Elems : 32;
  if (reinterpret_cast<uintptr_t>(p) % wanted != 0) __builtin_trap();
}

template <unsigned Elems, typename T>
inline vector<T, Elems> load_v(const T* p) {
  check_alignment<T, Elems>(p);
  vector<T, Elems> v;
  __builtin_memcpy(v.lane, p, sizeof(T) * Elems);
  return v;
}
template <typename T, unsigned Elems>
inline void store_v(T* p, const vector<T, Elems>& v) {
  check_alignment<T, Elems>(p);
  __builtin_memcpy(p, v.lane, sizeof(T) * Elems);
}
template <typename T, unsigned Elems>
inline vector<T, Elems> broadcast(T x) {
  vector<T, Elems> v;
  for (unsigned i = 0; i < Elems; ++i) v.lane[i] = x;
  return v;
}
template <typename T, unsigned Elems>
inline vector<T, Elems> zeros() {
  vector<T, Elems> v;
  __builtin_memset(v.lane, 0, sizeof v.lane);
  return v;
}

}  // namespace AIE_HOST_LEVEL
}  // namespace aie
