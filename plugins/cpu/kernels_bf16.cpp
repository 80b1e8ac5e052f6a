#include "kernels_bf16.hpp"

#include <immintrin.h>

namespace npurt_cpu::NPURT_CPU_LEVEL {
namespace {

inline __m256i to_bf16(__m512 x) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)); }

#if defined(__AMX_BF16__)
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// Tiles 0 to 3 hold 32 rows and columns of c, 4 and 5 two of a, 6 and 7 two of b.
void multiply(const uint16_t* a, const uint16_t* b, int64_t k, int64_t n, float* c, int64_t ldc) {
  static const TileConfig config;
  _tile_loadconfig(&config);
  const int64_t row = k * 2, below = 16 * ldc;
  for (int64_t j = 0; j < n; j += 32) {
    const uint16_t *left = b + j * k, *right = left + 16 * k;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t i = 0; i < k; i += 32) {
      _tile_loadd(4, a + i, row);
      _tile_loadd(6, left + 16 * i, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, right + 16 * i, 64);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(5, a + 16 * k + i, row);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c + j, ldc * 4);
    _tile_stored(1, c + j + 16, ldc * 4);
    _tile_stored(2, c + below + j, ldc * 4);
    _tile_stored(3, c + below + j + 16, ldc * 4);
  }
  _tile_release();
}
#else
void multiply(const uint16_t* a, const uint16_t* b, int64_t k, int64_t n, float* c, int64_t ldc) {
  constexpr int kRows = 8;
  for (int64_t j = 0; j < n; j += 32) {
    const uint16_t *left = b + j * k, *right = left + 16 * k;
    for (int64_t r = 0; r < kBf16Rows; r += kRows) {
      __m512 x[kRows], y[kRows];
      for (int q = 0; q < kRows; ++q) x[q] = y[q] = _mm512_setzero_ps();
      for (int64_t i = 0; i < k; i += 2) {
        const auto l = reinterpret_cast<__m512bh>(_mm512_loadu_si512(left + 16 * i));
        const auto m = reinterpret_cast<__m512bh>(_mm512_loadu_si512(right + 16 * i));
#pragma GCC unroll 8
        for (int q = 0; q < kRows; ++q) {
          int pair;
          __builtin_memcpy(&pair, a + (r + q) * k + i, sizeof pair);
          const auto both = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
          x[q] = _mm512_dpbf16_ps(x[q], l, both);
          y[q] = _mm512_dpbf16_ps(y[q], m, both);
        }
      }
      for (int q = 0; q < kRows; ++q) {
        _mm512_storeu_ps(c + (r + q) * ldc + j, x[q]);
        _mm512_storeu_ps(c + (r + q) * ldc + j + 16, y[q]);
      }
    }
  }
}
#endif

void convert(const float* x, int64_t n, float factor, uint16_t* out) {
  const __m512 f = _mm512_set1_ps(factor);
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 some = n - i >= 16 ? 0xFFFF : static_cast<__mmask16>((1U << (n - i)) - 1);
    _mm256_mask_storeu_epi16(out + i, some, to_bf16(_mm512_mul_ps(_mm512_maskz_loadu_ps(some, x + i), f)));
  }
}

void pack_transposed(const float* rows, int64_t stride, int64_t count, int64_t d, uint16_t* b) {
  for (int64_t j = 0; j < 16; ++j)
    for (int64_t i = 0; i < d; i += 16) {
      alignas(32) uint32_t pair[8] = {};
      if (j < count) _mm256_store_si256(reinterpret_cast<__m256i*>(pair), to_bf16(_mm512_loadu_ps(rows + j * stride + i)));
      for (int64_t p = 0; p < 8; ++p) __builtin_memcpy(b + ((i / 2 + p) * 16 + j) * 2, pair + p, sizeof(uint32_t));
    }
}

void pack_pair(const float* first, const float* second, int64_t d, int64_t block, uint16_t* b) {
  for (int64_t j = 0; j < d; j += 16) {
    const __m512i zero = _mm512_setzero_si512();
    const __m512i low = first ? _mm512_cvtepu16_epi32(to_bf16(_mm512_loadu_ps(first + j))) : zero;
    const __m512i high = second ? _mm512_cvtepu16_epi32(to_bf16(_mm512_loadu_ps(second + j))) : zero;
    _mm512_storeu_si512(b + j / 16 * block, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
  }
}

// 2^f on [-0.5, 0.5] by Taylor's polynomial, within 5e-5, which bf16 cannot tell from exact; the whole part goes to the exponent.
float softmax2(const float* s, int64_t n, int64_t padded, uint16_t* p) {
  const float lowest = -__builtin_inff();
  __m512 top = _mm512_set1_ps(lowest);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) top = _mm512_max_ps(top, _mm512_loadu_ps(s + i));
  const auto rest = static_cast<__mmask16>((1U << (n - i)) - 1);
  top = _mm512_mask_max_ps(top, rest, top, _mm512_maskz_loadu_ps(rest, s + i));
  top = _mm512_set1_ps(_mm512_reduce_max_ps(top));
  __m512 sum = _mm512_setzero_ps();
  for (i = 0; i < padded; i += 16) {
    const __mmask16 some = n - i >= 16 ? 0xFFFF : n > i ? rest : 0;
    const __m512 x = _mm512_sub_ps(_mm512_maskz_loadu_ps(some, s + i), top);
    const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 f = _mm512_sub_ps(x, whole);
    __m512 y = _mm512_set1_ps(0.009618129F);
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(0.05550411F));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(0.24022651F));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(0.6931472F));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1.0F));
    y = _mm512_maskz_scalef_ps(some, y, whole);
    sum = _mm512_add_ps(sum, y);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + i), to_bf16(y));
  }
  return _mm512_reduce_add_ps(sum);
}

}  // namespace

extern const Bf16Kernels kernels = {multiply, convert, pack_transposed, pack_pair, softmax2};

}  // namespace npurt_cpu::NPURT_CPU_LEVEL
