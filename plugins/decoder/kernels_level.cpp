// Compiled once per instruction set (CMakeLists.txt), so that plain loops become that set's vector code; many lines because a set
// is one unit. No standard library templates here: their instantiations would be shared with code that must run on older
// processors.
#include <math.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "kernels.hpp"

#define NPURT_CONCAT2(a, b) a##b
#define NPURT_CONCAT(a, b) NPURT_CONCAT2(a, b)
#define NPURT_TEXT2(a) #a
#define NPURT_TEXT(a) NPURT_TEXT2(a)

namespace decoder {
namespace {

// Four rows of x share each row of w, so that the weights are read once for them.
constexpr long kTogether = 4;

void rows_f32(const float* w, long rows, long k, const float* x, long m, float* y, long ldy) {
  for (long i = 0; i < m; i += kTogether) {
    const long n = m - i < kTogether ? m - i : kTogether;
    for (long r = 0; r < rows; ++r) {
      const float* a = w + r * k;
      const float* b = x + i * k;
      if (n == kTogether) {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (long j = 0; j < k; ++j) {
          s0 += a[j] * b[j];
          s1 += a[j] * b[k + j];
          s2 += a[j] * b[2 * k + j];
          s3 += a[j] * b[3 * k + j];
        }
        y[i * ldy + r] = s0;
        y[(i + 1) * ldy + r] = s1;
        y[(i + 2) * ldy + r] = s2;
        y[(i + 3) * ldy + r] = s3;
      } else {
        for (long q = 0; q < n; ++q) {
          float s = 0;
          for (long j = 0; j < k; ++j) s += a[j] * b[q * k + j];
          y[(i + q) * ldy + r] = s;
        }
      }
    }
  }
}

#if defined(__AVX512VNNI__)
// The sums of the elements of four vectors.
inline __m128i sum4(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  const __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

// Adds to s the products of 64 columns, or of those in `some`.
template <int N>
inline void add_i8(__m512i (&s)[N][4], const int8_t* const (&w)[4], long k, const uint8_t* x, long j, __mmask64 some) {
  __m512i rows[4];
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) rows[r] = _mm512_maskz_loadu_epi8(some, w[r] + j);
#pragma GCC unroll 4
  for (int q = 0; q < N; ++q) {
    const __m512i v = _mm512_maskz_loadu_epi8(some, x + q * k + j);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) s[q][r] = _mm512_dpbusd_epi32(s[q][r], v, rows[r]);
  }
}

// Four rows of w by N of x; the fewer than four rows at the end of w are given with `count`. Loops over sums are unrolled, so
// that GCC keeps the sums in registers.
template <int N>
inline void tile_i8(const int8_t* w, const int32_t* row_sums, long count, long k, const uint8_t* x, int32_t* y, long ldy) {
  const int8_t* const rows[4] = {w, w + (count > 1 ? k : 0), w + (count > 2 ? 2 * k : 0), w + (count > 3 ? 3 * k : 0)};
  __m512i s[N][4];
#pragma GCC unroll 4
  for (int q = 0; q < N; ++q) s[q][0] = s[q][1] = s[q][2] = s[q][3] = _mm512_setzero_si512();
  long j = 0;
  for (; j + 64 <= k; j += 64) add_i8<N>(s, rows, k, x, j, ~0ULL);
  if (j < k) add_i8<N>(s, rows, k, x, j, (1ULL << (k - j)) - 1);
  const auto stored = static_cast<__mmask8>((1 << count) - 1);
  const __m128i offset = _mm_slli_epi32(_mm_maskz_loadu_epi32(stored, row_sums), 7);
#pragma GCC unroll 4
  for (int q = 0; q < N; ++q)
    _mm_mask_storeu_epi32(y + q * ldy, stored, _mm_sub_epi32(sum4(s[q][0], s[q][1], s[q][2], s[q][3]), offset));
}

void rows_i8(const int8_t* w, const int32_t* row_sums, long rows, long k, const uint8_t* x, long m, int32_t* y, long ldy) {
  for (long i = 0; i < m; i += kTogether)
    for (long r = 0; r < rows; r += 4) {
      const long count = rows - r < 4 ? rows - r : 4, n = m - i < kTogether ? m - i : kTogether;
      const auto tile = n == 4 ? tile_i8<4> : n == 3 ? tile_i8<3> : n == 2 ? tile_i8<2> : tile_i8<1>;
      // The rows that the caller is likely to ask for next come from memory while these are multiplied again.
      if (i == kTogether)
        for (long j = 0; j < 4 * k; j += 64) __builtin_prefetch(w + (rows + r) * k + j, 0, 2);
      tile(w + r * k, row_sums + r, count, k, x + i * k, y + i * ldy + r, ldy);
    }
}
#elif defined(__AVX2__)
// dot(x, w) of 32 bytes each, as 8 sums. |x| times w with x's sign: |x| and |w| are at most 127, so a pair of products fits 16
// bits.
inline __m256i dot32(__m256i size_of_x, __m256i x, __m256i w) {
  return _mm256_madd_epi16(_mm256_maddubs_epi16(size_of_x, _mm256_sign_epi8(w, x)), _mm256_set1_epi16(1));
}

// The sums of the elements of four vectors.
inline __m128i sum4(__m256i a, __m256i b, __m256i c, __m256i d) {
  const __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

inline __m256i load32(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }

// Four rows of w by N of x; the fewer than four rows at the end of w are given with `count`.
template <int N>
inline void tile_i8(const int8_t* w, long count, long k, const uint8_t* x, int32_t* y, long ldy) {
  const int8_t* row[4];
  for (int r = 0; r < 4; ++r) row[r] = w + (r < count ? r : 0) * k;
  __m256i s[N][4];
#pragma GCC unroll 2
  for (int q = 0; q < N; ++q) s[q][0] = s[q][1] = s[q][2] = s[q][3] = _mm256_setzero_si256();
  long j = 0;
  for (; j + 32 <= k; j += 32)
#pragma GCC unroll 2
    for (int q = 0; q < N; ++q) {
      const __m256i v = _mm256_xor_si256(load32(x + q * k + j), _mm256_set1_epi8(-128)), size = _mm256_abs_epi8(v);
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) s[q][r] = _mm256_add_epi32(s[q][r], dot32(size, v, load32(row[r] + j)));
    }
#pragma GCC unroll 2
  for (int q = 0; q < N; ++q) {
    int out[4];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), sum4(s[q][0], s[q][1], s[q][2], s[q][3]));
    for (long r = 0; r < count; ++r) {
      for (long i = j; i < k; ++i) out[r] += row[r][i] * (x[q * k + i] - 128);
      y[q * ldy + r] = out[r];
    }
  }
}

void rows_i8(const int8_t* w, const int32_t*, long rows, long k, const uint8_t* x, long m, int32_t* y, long ldy) {
  for (long i = 0; i < m; i += 2)
    for (long r = 0; r < rows; r += 4) {
      const auto tile = m - i < 2 ? tile_i8<1> : tile_i8<2>;
      tile(w + r * k, rows - r < 4 ? rows - r : 4, k, x + i * k, y + i * ldy + r, ldy);
    }
}
#else
void rows_i8(const int8_t* w, const int32_t* row_sums, long rows, long k, const uint8_t* x, long m, int32_t* y, long ldy) {
  for (long i = 0; i < m; ++i)
    for (long r = 0; r < rows; ++r) {
      int32_t sum = -128 * row_sums[r];
      for (long j = 0; j < k; ++j) sum += w[r * k + j] * x[i * k + j];
      y[i * ldy + r] = sum;
    }
}
#endif

float quantise(const float* x, long k, uint8_t* q) {
  float top = 0;
  for (long j = 0; j < k; ++j) {
    const float a = fabsf(x[j]);
    top = a > top ? a : top;
  }
  const float inverse = top > 0 ? 127.0F / top : 0.0F;
  for (long j = 0; j < k; ++j) {
    float v = x[j] * inverse;
    v = v < -127.0F ? -127.0F : v > 127.0F ? 127.0F : v;
    q[j] = static_cast<uint8_t>(static_cast<int>(v + 128.5F));
  }
  return top / 127.0F;
}

// exp for x <= 0, relative error below 2e-7: 2^n by the exponent bits, the rest by a polynomial (Cephes expf).
inline float exp_negative(float x) {
  x = x < -87.0F ? -87.0F : x;
  const int n = static_cast<int>(x * 1.44269504F - 0.5F);
  const float f = static_cast<float>(n);
  const float r = (x - f * 0.693359375F) + f * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const int bits = (n + 127) << 23;
  float scale;
  memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

float softmax(float* s, long n) {
  float top = s[0];
  for (long t = 1; t < n; ++t) top = s[t] > top ? s[t] : top;
  float sum = 0;
  for (long t = 0; t < n; ++t) {
    s[t] = exp_negative(s[t] - top);
    sum += s[t];
  }
  return 1.0F / sum;
}

inline float value(float x) { return x; }
#if defined(__F16C__)
inline float value(uint16_t x) { return _cvtsh_ss(x); }
#else
inline float value(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
  if (exponent == 0) return (sign ? -1.0F : 1.0F) * static_cast<float>(mantissa) * 5.9604644775390625e-8F;
  const uint32_t bits = sign | (exponent + 112) << 23 | mantissa << 13;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}
#endif

template <typename T>
inline float dot(const float* q, const T* k, long d) {
  float s = 0;
  for (long j = 0; j < d; ++j) s += q[j] * value(k[j]);
  return s;
}
template <typename T>
inline void add_scaled(float* out, const T* v, float p, long d) {
  for (long j = 0; j < d; ++j) out[j] += p * value(v[j]);
}
#if defined(__AVX512F__)
inline float dot(const float* q, const uint16_t* k, long d) {
  __m512 s = _mm512_setzero_ps();
  long j = 0;
  for (; j + 16 <= d; j += 16)
    s = _mm512_fmadd_ps(_mm512_loadu_ps(q + j), _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(k + j))), s);
  float sum = _mm512_reduce_add_ps(s);
  for (; j < d; ++j) sum += q[j] * value(k[j]);
  return sum;
}
inline void add_scaled(float* out, const uint16_t* v, float p, long d) {
  long j = 0;
  for (; j + 16 <= d; j += 16)
    _mm512_storeu_ps(
        out + j, _mm512_fmadd_ps(_mm512_set1_ps(p), _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(v + j))),
                                 _mm512_loadu_ps(out + j)));
  for (; j < d; ++j) out[j] += p * value(v[j]);
}
#elif defined(__F16C__)
inline float dot(const float* q, const uint16_t* k, long d) {
  __m256 s = _mm256_setzero_ps();
  long j = 0;
  for (; j + 8 <= d; j += 8)
    s = _mm256_fmadd_ps(_mm256_loadu_ps(q + j), _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(k + j))), s);
  alignas(32) float lane[8];
  _mm256_store_ps(lane, s);
  float sum = 0;
  for (float x : lane) sum += x;
  for (; j < d; ++j) sum += q[j] * value(k[j]);
  return sum;
}
inline void add_scaled(float* out, const uint16_t* v, float p, long d) {
  long j = 0;
  for (; j + 8 <= d; j += 8)
    _mm256_storeu_ps(out + j,
                     _mm256_fmadd_ps(_mm256_set1_ps(p), _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(v + j))),
                                     _mm256_loadu_ps(out + j)));
  for (; j < d; ++j) out[j] += p * value(v[j]);
}
#endif

template <typename T>
void attend(const float* q, const T* keys, const T* values, long n, long d, float scale, float* scores, float* out) {
  for (long t = 0; t < n; ++t) scores[t] = scale * dot(q, keys + t * d, d);
  const float inverse = softmax(scores, n);
  memset(out, 0, static_cast<size_t>(d) * sizeof(float));
  for (long t = 0; t < n; ++t) add_scaled(out, values + t * d, scores[t], d);
  for (long j = 0; j < d; ++j) out[j] *= inverse;
}
void attend_f32(const float* q, const float* k, const float* v, long n, long d, float scale, float* scores, float* out) {
  attend(q, k, v, n, d, scale, scores, out);
}
void attend_f16(const float* q, const uint16_t* k, const uint16_t* v, long n, long d, float scale, float* scores, float* out) {
  attend(q, k, v, n, d, scale, scores, out);
}

#if defined(__AVX2__)
#if defined(__AVX512VNNI__)
// scores[t] = step * key_scales[t] * dot(q, key t), for n rounded up to 16.
void score_i8(const int8_t* q, float step, const uint8_t* keys, const float* key_scales, long n, long d, float* scores) {
  int sum = 0;
  for (long j = 0; j < d; ++j) sum += q[j];
  const __m512i offset = _mm512_set1_epi32(128 * sum);
  for (long t = 0; t < n; t += 16) {
    __m512i even = _mm512_setzero_si512(), odd = even;
    for (long j = 0; j < d; j += 8) {
      int pair[2];
      memcpy(pair, q + j, sizeof pair);
      even = _mm512_dpbusd_epi32(even, _mm512_loadu_si512(keys + t * d + j * 16), _mm512_set1_epi32(pair[0]));
      odd = _mm512_dpbusd_epi32(odd, _mm512_loadu_si512(keys + t * d + j * 16 + 64), _mm512_set1_epi32(pair[1]));
    }
    const __m512 dots = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_add_epi32(even, odd), offset));
    _mm512_storeu_ps(scores + t, _mm512_mul_ps(dots, _mm512_mul_ps(_mm512_loadu_ps(key_scales + t), _mm512_set1_ps(step))));
  }
}
#else
void score_i8(const int8_t* q, float step, const uint8_t* keys, const float* key_scales, long n, long d, float* scores) {
  const __m256i sign = _mm256_set1_epi8(-128);
  for (long t = 0; t < n; t += 16) {
    __m256i low = _mm256_setzero_si256(), high = low;
    for (long j = 0; j < d; j += 4) {
      int four;
      memcpy(&four, q + j, sizeof four);
      const __m256i v = _mm256_set1_epi32(four), size = _mm256_abs_epi8(v);
      low = _mm256_add_epi32(low, dot32(size, v, _mm256_xor_si256(load32(keys + t * d + j * 16), sign)));
      high = _mm256_add_epi32(high, dot32(size, v, _mm256_xor_si256(load32(keys + t * d + j * 16 + 32), sign)));
    }
    const __m256 by = _mm256_set1_ps(step);
    _mm256_storeu_ps(scores + t, _mm256_mul_ps(_mm256_cvtepi32_ps(low), _mm256_mul_ps(_mm256_loadu_ps(key_scales + t), by)));
    _mm256_storeu_ps(scores + t + 8,
                     _mm256_mul_ps(_mm256_cvtepi32_ps(high), _mm256_mul_ps(_mm256_loadu_ps(key_scales + t + 8), by)));
  }
}
#endif

#if defined(__AVX512F__)
constexpr long kFloats = 16;
using Floats = __m512;
inline Floats bytes_to_floats(const uint8_t* from) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}
#else
constexpr long kFloats = 8;
using Floats = __m256;
inline Floats bytes_to_floats(const uint8_t* from) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}
#endif

void attend_i8(const float* q, const uint8_t* keys, const float* key_scales, const uint8_t* values, const float* value_scales,
               long n, long d, float scale, float* scores, float* out) {
  uint8_t bytes[256];
  const float step = quantise(q, d, bytes) * scale;
  int8_t query[256];
  for (long j = 0; j < d; ++j) query[j] = static_cast<int8_t>(bytes[j] ^ 0x80);
  score_i8(query, step, keys, key_scales, n, d, scores);
  const float inverse = softmax(scores, n);
  constexpr long kAtOnce = 4;
  for (long j = 0; j < d; j += kAtOnce * kFloats) {
    const long left = (d - j) / kFloats, parts = left < kAtOnce ? left : kAtOnce;
    Floats s[kAtOnce] = {};
    float weights = 0;
    for (long t = 0; t < n; ++t) {
      if (scores[t] < 1e-6F) continue;
      const float w = scores[t] * value_scales[t];
      weights += w;
#pragma GCC unroll 4
      for (long i = 0; i < kAtOnce; ++i)
        if (i < parts) s[i] += w * bytes_to_floats(values + t * d + j + kFloats * i);
    }
    for (long i = 0; i < parts; ++i) {
      const Floats sum = inverse * (s[i] - 128 * weights);
      memcpy(out + j + kFloats * i, &sum, sizeof sum);
    }
  }
}
#else
constexpr decltype(Kernels::attend_i8) attend_i8 = nullptr;
#endif

void to_f16(const float* in, long n, uint16_t* out) {
  long i = 0;
#if defined(__F16C__)
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
  for (; i < n; ++i) out[i] = _cvtss_sh(in[i], _MM_FROUND_TO_NEAREST_INT);
#else
  // Round to nearest even by the bits; too large becomes infinity, and what is below f16's normal range is rounded on its fixed
  // grid.
  for (; i < n; ++i) {
    uint32_t bits;
    memcpy(&bits, in + i, sizeof bits);
    const uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
    const uint32_t a = bits & 0x7FFFFFFF;
    uint16_t h;
    if (a >= 0x47800000) h = 0x7C00;
    else if (a < 0x38800000) {
      float f;
      memcpy(&f, &a, sizeof f);
      h = static_cast<uint16_t>(f * 16777216.0F + 0.5F);
    } else {
      h = static_cast<uint16_t>((a + 0xFFF + (a >> 13 & 1) - 0x38000000) >> 13);
    }
    out[i] = static_cast<uint16_t>(sign | h);
  }
#endif
}

void layer_norm(const float* x, const float* gamma, const float* beta, long n, float* out) {
  float mean = 0;
  for (long j = 0; j < n; ++j) mean += x[j];
  mean /= static_cast<float>(n);
  float var = 0;
  for (long j = 0; j < n; ++j) var += (x[j] - mean) * (x[j] - mean);
  const float inverse = 1.0F / sqrtf(var / static_cast<float>(n) + 1e-5F);
  for (long j = 0; j < n; ++j) out[j] = (x[j] - mean) * inverse * gamma[j] + beta[j];
}

void gelu(float* x, long n) {
  for (long j = 0; j < n; ++j) {
    const float z = fabsf(x[j]) * 0.70710678F, t = 1.0F / (1.0F + 0.5F * z);
    float p = 0.17087277F;
    p = p * t - 0.82215223F;
    p = p * t + 1.48851587F;
    p = p * t - 1.13520398F;
    p = p * t + 0.27886807F;
    p = p * t - 0.18628806F;
    p = p * t + 0.09678418F;
    p = p * t + 0.37409196F;
    p = p * t + 1.00002368F;
    p = p * t - 1.26551223F;
    const float erfc = t * exp_negative(p - z * z);
    const float phi = x[j] >= 0 ? 1.0F - 0.5F * erfc : 0.5F * erfc;
    x[j] *= phi;
  }
}

void log_sum_exp(const float* x, long n, float* largest, float* log_sum) {
  float top = x[0];
  for (long j = 1; j < n; ++j) top = x[j] > top ? x[j] : top;
  double sum = 0;  // of stretches, each summed in f32: a vocabulary is too long for one f32 sum
  for (long i = 0; i < n; i += 256) {
    const long end = n - i < 256 ? n : i + 256;
    float part = 0;
    for (long j = i; j < end; ++j) part += exp_negative(x[j] - top);
    sum += part;
  }
  *largest = top;
  *log_sum = static_cast<float>(log(sum));
}

// Two passes: sums of a few hundred stretches, then the one stretch in which the draw falls.
long sample(const float* x, long n, float top, float temperature, double draw) {
  constexpr long kStretches = 256;
  const long length = (n + kStretches - 1) / kStretches;
  const float inverse = 1.0F / temperature;
  double sums[kStretches] = {}, total = 0;
  for (long i = 0; i * length < n; ++i) {
    const float* from = x + i * length;
    const long count = n - i * length < length ? n - i * length : length;
    float sum = 0;
    for (long j = 0; j < count; ++j) sum += exp_negative((from[j] - top) * inverse);
    sums[i] = sum;
    total += sum;
  }
  double target = draw * total;
  long i = 0;
  while (i + 1 < kStretches && (i + 1) * length < n && target >= sums[i]) target -= sums[i++];
  for (long j = i * length; j < n && j < (i + 1) * length; ++j) {
    const float share = exp_negative((x[j] - top) * inverse);
    if (target < share) return j;
    target -= share;
  }
  // Rounding may leave a little; the likeliest is as good an answer as any.
  long best = 0;
  while (best + 1 < n && x[best] != top) ++best;
  return best;
}

}  // namespace

extern const Kernels NPURT_CONCAT(kernels_, NPURT_LEVEL);
const Kernels NPURT_CONCAT(kernels_, NPURT_LEVEL) = {NPURT_TEXT(NPURT_LEVEL),
                                                     rows_f32,
                                                     rows_i8,
                                                     quantise,
                                                     attend_f32,
                                                     attend_f16,
                                                     attend_i8,
                                                     to_f16,
                                                     layer_norm,
                                                     gelu,
                                                     log_sum_exp,
                                                     sample};

}  // namespace decoder
