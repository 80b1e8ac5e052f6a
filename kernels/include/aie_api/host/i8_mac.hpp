// C[4,8] += A[4,8]·B[8,8] of int8 into 32 bits that wrap: every order of summing gives the same bits.
#pragma once

#include <stdint.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace aie {
inline namespace AIE_HOST_LEVEL {
namespace host {

template <bool First, typename T, typename F>
struct choose {
  using type = T;
};
template <typename T, typename F>
struct choose<false, T, F> {
  using type = F;
};

#ifdef __AVX2__
// Rows 2k and 2k+1 of B side by side as 16 bits, so that one instruction adds two products.
inline void mac_4x8x8(int32_t* c, const int8_t* a, const int8_t* b) {
  __m256i pairs[4];
  for (int k = 0; k < 4; ++k) {
    const __m128i rows = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + 16 * k));
    pairs[k] = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(rows, _mm_srli_si128(rows, 8)));
  }
  for (int i = 0; i < 4; ++i) {
    const __m128i row = _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a + 8 * i)));
    const __m256i wide = _mm256_broadcastsi128_si256(row);
    auto* out = reinterpret_cast<__m256i*>(c + 8 * i);
    __m256i sum = _mm256_loadu_si256(out);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs[0], _mm256_shuffle_epi32(wide, 0x00)));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs[1], _mm256_shuffle_epi32(wide, 0x55)));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs[2], _mm256_shuffle_epi32(wide, 0xAA)));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs[3], _mm256_shuffle_epi32(wide, 0xFF)));
    _mm256_storeu_si256(out, sum);
  }
}
#else
inline void mac_4x8x8(int32_t* c, const int8_t* a, const int8_t* b) {
  for (int i = 0; i < 4; ++i)
    for (int k = 0; k < 8; ++k)
      for (int j = 0; j < 8; ++j)
        c[8 * i + j] =
            static_cast<int32_t>(static_cast<uint32_t>(c[8 * i + j]) + static_cast<uint32_t>(a[8 * i + k] * b[8 * k + j]));
}
#endif

}  // namespace host
}  // namespace AIE_HOST_LEVEL
}  // namespace aie
