// Accumulators of the host shim: acc32 and acc64 are integers that wrap, accfloat is f32.
#pragma once

#include "vector.hpp"

struct acc32 {
  using storage = int32_t;
};
struct acc64 {
  using storage = int64_t;
};
struct accfloat {
  using storage = float;
};

namespace aie {
inline namespace AIE_HOST_LEVEL {

template <typename Tag, unsigned Elems>
struct accum {
  using storage = typename Tag::storage;

  accum() = default;
  // Loads a vector, shifted left (UPS).
  template <typename T>
  explicit accum(const vector<T, Elems>& v, int shift = 0) {
    for (unsigned i = 0; i < Elems; ++i) {
      if constexpr (__is_same(Tag, accfloat)) lane[i] = static_cast<float>(v.lane[i]);
      else lane[i] = static_cast<storage>(static_cast<uint64_t>(static_cast<int64_t>(v.lane[i])) << shift);
    }
  }

  // As T: integers shift, round and saturate (SRS), f32 to bf16 rounds, f32 stays.
  template <typename T>
  vector<T, Elems> to_vector(int shift = 0) const {
    vector<T, Elems> v;
    if constexpr (__is_same(T, storage)) {
      if (shift == 0) {
        __builtin_memcpy(v.lane, lane, sizeof v.lane);
        return v;
      }
    }
    for (unsigned i = 0; i < Elems; ++i) {
      if constexpr (__is_same(Tag, accfloat)) v.lane[i] = T(lane[i]);
      else v.lane[i] = static_cast<T>(host::srs(lane[i], static_cast<unsigned>(shift), sizeof(T) * 8));
    }
    return v;
  }

  alignas(32) storage lane[Elems];
};

}  // namespace AIE_HOST_LEVEL
}  // namespace aie
