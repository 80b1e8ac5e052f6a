// mlir-aie's table look-ups for AIE2, for the host: the same names and the same arithmetic. The tables are computed here, as the
// exponentials rounded to bf16.
#pragma once

#include <aie_api/aie.hpp>

namespace aie {
inline namespace AIE_HOST_LEVEL {
namespace host {

// e^i for i = -128 … 127, at index i mod 256, and e^(f/256). From 88 on, and below -93, the table ends.
struct ExpTables {
  float whole[256], fraction[256];
  ExpTables() {
    const control before = registers;
    registers.rounding = rounding_mode::conv_even;
    for (int i = -128; i < 128; ++i) {
      const double e = i < -93 ? 0 : __builtin_exp(i < 88 ? i : 88);
      whole[i & 255] = bfloat16(static_cast<float>(e));
    }
    for (int f = 0; f < 256; ++f) fraction[f] = bfloat16(static_cast<float>(__builtin_exp(f / 256.0)));
    registers = before;
  }
};
inline const ExpTables exp_tables;

}  // namespace host

// e^x in f32, good to 1 %: x is cut off to 1/256, and the 8.8 bits wrap outside of -128 … 128, so clamp before.
template <unsigned Elems>
inline accum<accfloat, Elems> exp_bf16(const vector<bfloat16, Elems>& x) {
  accum<accfloat, Elems> out;
  for (unsigned i = 0; i < Elems; ++i) {
    const auto fixed = static_cast<int32_t>(__builtin_floorf(static_cast<float>(x.lane[i]) * 256));
    out.lane[i] = host::exp_tables.whole[fixed >> 8 & 255] * host::exp_tables.fraction[fixed & 255];
  }
  return out;
}

}  // namespace AIE_HOST_LEVEL
}  // namespace aie

inline namespace AIE_HOST_LEVEL {
inline aie::accum<accfloat, 16> getExpBf16(const aie::vector<bfloat16, 16>& x) { return aie::exp_bf16(x); }
}  // namespace AIE_HOST_LEVEL
