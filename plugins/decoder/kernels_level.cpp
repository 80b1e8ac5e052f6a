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

void place_i8(const int8_t* w, long count, long k, int8_t* packed) {
  for (long r = 0; r < 16; ++r)
    for (long j = 0; j < k; j += 4) {
      int32_t four = 0;
      if (r < count) memcpy(&four, w + r * k + j, sizeof four);
      memcpy(packed + j * 16 + r * 4, &four, sizeof four);
    }
}

void pack_columns_i8(const int8_t* w, long rows, long k, int8_t* packed, int32_t* offset) {
  for (long j = 0; j < k; ++j) offset[j] = 0;
  for (long t = 0; t < rows; ++t)
    for (long j = 0; j < k; ++j) offset[j] -= 128 * w[t * k + j];
  for (long j = 0; j < k; j += 16)
    for (long t = 0; t < rows; t += 4) {
      int8_t* to = packed + j * rows + t * 16;
      const int8_t* from = w + t * k + j;
#if defined(__AVX2__)
      const auto row = [&](long r) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + r * k)); };
      const __m128i low = _mm_unpacklo_epi8(row(0), row(1)), high = _mm_unpackhi_epi8(row(0), row(1));
      const __m128i low2 = _mm_unpacklo_epi8(row(2), row(3)), high2 = _mm_unpackhi_epi8(row(2), row(3));
      const __m128i four[] = {_mm_unpacklo_epi16(low, low2), _mm_unpackhi_epi16(low, low2), _mm_unpacklo_epi16(high, high2),
                              _mm_unpackhi_epi16(high, high2)};
      memcpy(to, four, sizeof four);
#else
      for (long r = 0; r < 16; ++r)
        for (long u = 0; u < 4; ++u) to[r * 4 + u] = from[u * k + r];
#endif
    }
}

#if defined(__AVX2__)
// A token reads megabytes, each once: they are fetched early, and past the ends of pages, where the processor's own guesses stop.
constexpr long kAhead = 8192;

// kLanes sums of four products of bytes each. kOffset is by how much the unsigned side of such a product is too large.
#if defined(__AVX512VNNI__)
constexpr long kLanes = 16, kOffset = 128;
using Ints = __m512i;
using Floats = __m512;
inline Ints load_ints(const void* from) { return _mm512_loadu_si512(from); }
inline Floats to_floats(Ints x) { return _mm512_cvtepi32_ps(x); }
inline Ints add(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
inline Ints fill(int x) { return _mm512_set1_epi32(x); }
// Four bytes, the same for each lane.
struct Four {
  explicit Four(const void* from) {
    int four;
    memcpy(&four, from, sizeof four);
    all = fill(four);
  }
  Ints all;
};
// Unsigned by signed; written out because GCC 12 copies every sum, before and after, around the intrinsic.
inline Ints add_products(Ints sum, const Four& x, Ints rows) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x.all), "v"(rows));
  return sum;
}
constexpr int kMostTogether = 16;
#else
constexpr long kLanes = 8, kOffset = 0;
using Ints = __m256i;
using Floats = __m256;
inline Ints load_ints(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
inline Floats to_floats(Ints x) { return _mm256_cvtepi32_ps(x); }
inline Ints add(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
inline Ints fill(int x) { return _mm256_set1_epi32(x); }
inline Ints sum_pairs(Ints x) { return _mm256_madd_epi16(x, _mm256_set1_epi16(1)); }
inline Ints less_128(Ints x) { return _mm256_xor_si256(x, _mm256_set1_epi8(-128)); }
struct Four {
  explicit Four(const void* from) {
    int four;
    memcpy(&four, from, sizeof four);
    all = fill(four);
    less = less_128(all);
    size = _mm256_abs_epi8(less);
  }
  Ints all, less, size;
};
// |x| times a row with x's sign: both are at most 127, so a pair of products fits 16 bits.
inline Ints add_products(Ints sum, const Four& x, Ints rows) {
  return add(sum, sum_pairs(_mm256_maddubs_epi16(x.size, _mm256_sign_epi8(rows, x.less))));
}
constexpr int kMostTogether = 4;
#endif

void pack_i8(const int8_t* w, long count, long k, int8_t* packed, int32_t* offset) {
  place_i8(w, count, k, packed);
  constexpr uint8_t kOne = 129 - kOffset;
  const uint8_t bytes[4] = {kOne, kOne, kOne, kOne};
  const Four ones(bytes);
  for (long p = 0; p < 16; p += kLanes) {
    Ints sum{};
    for (long j = 0; j < k; j += 4) sum = add_products(sum, ones, load_ints(packed + j * 16 + p * 4));
    int32_t sums[kLanes];
    memcpy(sums, &sum, sizeof sum);
    for (long r = 0; r < kLanes; ++r) offset[p + r] = -128 * sums[r];
  }
}

// N rows of x by B blocks of w, in S sums each, because a core waits for a sum longer than for the next instruction. Loops over
// sums are unrolled, so that GCC keeps the sums in registers.
template <int N, int B, int S>
inline void tile_i8(const PackedRows& w, long block, const uint8_t* x, const float* x_scale, float* y, long ldy) {
  constexpr int kParts = static_cast<int>(16 * B / kLanes);
  Ints sums[S][kParts][N];
#pragma GCC unroll 4
  for (int s = 0; s < S; ++s)
#pragma GCC unroll 8
    for (int p = 0; p < kParts; ++p)
#pragma GCC unroll 16
      for (int i = 0; i < N; ++i) sums[s][p][i] = Ints{};
  const int8_t* first = w.data + block * 16 * w.k;
  const long ahead = B * 16 * w.k <= 2 * kAhead && B > 1 ? B * 16 * w.k : kAhead;
  const auto add_four = [&](long j, Ints(&to)[kParts][N]) {
    Ints part[kParts];
#pragma GCC unroll 8
    for (int p = 0; p < kParts; ++p) {
      const int8_t* from = first + p * kLanes / 16 * 16 * w.k + j * 16 + p * kLanes % 16 * 4;
      part[p] = load_ints(from);
      __builtin_prefetch(from + ahead);
    }
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) {
      const Four four(x + i * w.k + j);
#pragma GCC unroll 8
      for (int p = 0; p < kParts; ++p) to[p][i] = add_products(to[p][i], four, part[p]);
    }
  };
  long j = 0;
  for (; j + 4 * S <= w.k; j += 4 * S)
#pragma GCC unroll 4
    for (int s = 0; s < S; ++s) add_four(j + 4 * s, sums[s]);
  for (; S > 1 && j < w.k; j += 4) add_four(j, sums[0]);
#pragma GCC unroll 8
  for (int p = 0; p < kParts; ++p) {
    const long r = block * 16 + p * kLanes;
    Floats scale, bias;
    memcpy(&scale, w.scale + r, sizeof scale);
    memcpy(&bias, w.bias + r, sizeof bias);
    const Ints offset = load_ints(w.offset + r);
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) {
      Ints sum = sums[0][p][i];
#pragma GCC unroll 4
      for (int s = 1; s < S; ++s) sum = add(sum, sums[s][p][i]);
      const Floats out = to_floats(kOffset ? add(sum, offset) : sum) * (scale * x_scale[i]) + bias;
      memcpy(y + i * ldy + p * kLanes, &out, sizeof out);
    }
  }
}

template <int N, int B, int S = 1>
void blocks_i8(const PackedRows& w, long first, long end, const uint8_t* x, const float* x_scale, float* y, long ldy) {
  long b = first;
  // A last block that is not full is written aside.
  const long whole = end * 16 > w.rows ? end - 1 : end;
  for (; b + B <= whole; b += B) tile_i8<N, B, S>(w, b, x, x_scale, y + b * 16, ldy);
  for (; b < whole; ++b) tile_i8<N, 1, S>(w, b, x, x_scale, y + b * 16, ldy);
  if (b == end) return;
  float last[N * 16];
  tile_i8<N, 1, S>(w, b, x, x_scale, last, 16);
  for (int i = 0; i < N; ++i) memcpy(y + i * ldy + b * 16, last + i * 16, static_cast<size_t>(w.rows - b * 16) * sizeof(float));
}

void rows_i8(const PackedRows& w, long first, long end, const uint8_t* x, const float* x_scale, long m, float* y, long ldy) {
  // So many blocks or sums that they fill the registers. Few rows wait for memory, which is read fastest one block at a time.
  static constexpr decltype(&blocks_i8<1, 1>) kBlocks[] = {
    nullptr,
#if defined(__AVX512VNNI__)
    blocks_i8<1, 1, 4>,
    blocks_i8<2, 1, 4>,
    blocks_i8<3, 1, 4>,
    blocks_i8<4, 2>,
    blocks_i8<5, 2>,
    blocks_i8<6, 2>,
    blocks_i8<7, 2>,
    blocks_i8<8, 2>,
    blocks_i8<9, 2>,
    blocks_i8<10, 2>,
    blocks_i8<11, 2>,
    blocks_i8<12, 2>,
    blocks_i8<13, 2>,
    blocks_i8<14, 2>,
    blocks_i8<15, 1>,
    blocks_i8<16, 1>,
#else
    blocks_i8<1, 2>,
    blocks_i8<2, 1>,
    blocks_i8<3, 1>,
    blocks_i8<4, 1>,
#endif
  };
  for (long i = 0; i < m; i += kMostTogether) {
    const long n = m - i < kMostTogether ? m - i : kMostTogether;
    kBlocks[n](w, first, end, x + i * w.k, x_scale + i, y + i * ldy, ldy);
  }
}
#else
void pack_i8(const int8_t* w, long count, long k, int8_t* packed, int32_t* offset) {
  place_i8(w, count, k, packed);
  for (long r = 0; r < 16; ++r) {
    offset[r] = 0;
    for (long j = 0; r < count && j < k; ++j) offset[r] -= 128 * w[r * k + j];
  }
}

void rows_i8(const PackedRows& w, long first, long end, const uint8_t* x, const float* x_scale, long m, float* y, long ldy) {
  for (long i = 0; i < m; ++i)
    for (long r = first * 16; r < end * 16 && r < w.rows; ++r) {
      const int8_t* row = w.data + r / 16 * 16 * w.k + r % 16 * 4;
      int32_t sum = w.offset[r];
      for (long j = 0; j < w.k; ++j) sum += row[j / 4 * 64 + j % 4] * x[i * w.k + j];
      y[i * ldy + r] = static_cast<float>(sum) * (w.scale[r] * x_scale[i]) + w.bias[r];
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

// A row's levels in two bytes each: 254 * high + low.
float quantise_wide(const float* x, long k, uint8_t* high, uint8_t* low) {
  constexpr float kMost = 127 * 254;
  float top = 0;
  for (long j = 0; j < k; ++j) {
    const float a = fabsf(x[j]);
    top = a > top ? a : top;
  }
  const float inverse = top > 0 ? kMost / top : 0.0F;
  for (long j = 0; j < k; ++j) {
    float v = x[j] * inverse;
    v = v < -kMost ? -kMost : v > kMost ? kMost : v;
    const int level = static_cast<int>(v + (kMost + 0.5F)) - static_cast<int>(kMost);
    const int h = static_cast<int>(static_cast<float>(level) * (1.0F / 254.0F) + 128.5F) - 128;
    high[j] = static_cast<uint8_t>(h + 128);
    low[j] = static_cast<uint8_t>(level - 254 * h + 128);
  }
  return top / kMost;
}

float weigh(const float* p, const float* by, long n, uint8_t* q) {
  using Floats16 = float __attribute__((vector_size(64)));
  using Ints16 = int __attribute__((vector_size(64)));
  using Bytes16 = uint8_t __attribute__((vector_size(16)));
  constexpr float kMost = 253;  // with a carry of 0.5, one of 254 levels
  float top = 0;
  for (long t = 0; t < n; ++t) top = p[t] * by[t] > top ? p[t] * by[t] : top;
  if (top < 1e-30F) {
    memset(q, 1, static_cast<size_t>(n));
    return 0;
  }
  Floats16 carry{};
  const float inverse = kMost / top;
  for (long t = 0; t < n; t += 16) {
    Floats16 weight, scale;
    memcpy(&weight, p + t, sizeof weight);
    memcpy(&scale, by + t, sizeof scale);
    const Floats16 wanted = weight * scale * inverse + carry;
    const Ints16 level = __builtin_convertvector(wanted + 0.5F, Ints16);
    carry = wanted - __builtin_convertvector(level, Floats16);
    const Bytes16 bytes = __builtin_convertvector(level + 1, Bytes16);
    memcpy(q + t, &bytes, sizeof bytes);
  }
  return top / kMost;
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

float largest(const float* x, long n) {
  float top = x[0];
  for (long j = 1; j < n; ++j) top = x[j] > top ? x[j] : top;
  return top;
}

float exponentials(float* x, long n, float* largest_x) {
  const float top = largest(x, n);
  float sum = 0;
  for (long t = 0; t < n; ++t) {
    x[t] = exp_negative(x[t] - top);
    sum += x[t];
  }
  *largest_x = top;
  return sum;
}

void add_scaled(const float* x, float by, long n, float* y) {
  for (long j = 0; j < n; ++j) y[j] += by * x[j];
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

#if defined(__AVX512F__)
constexpr long kFloats = 16;
inline __m512 load_floats(const float* x) { return _mm512_loadu_ps(x); }
inline __m512 load_floats(const uint16_t* x) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x))); }
#elif defined(__F16C__)
constexpr long kFloats = 8;
inline __m256 load_floats(const float* x) { return _mm256_loadu_ps(x); }
inline __m256 load_floats(const uint16_t* x) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))); }
#else
constexpr long kFloats = 1;
inline float load_floats(const float* x) { return *x; }
inline float load_floats(const uint16_t* x) { return value(*x); }
#endif

template <typename T>
void attend(const float* q, const T* keys, const T* values, long n, long d, float scale, float* scores, float* out) {
  using Part = decltype(load_floats(q));
  const long whole = d / kFloats * kFloats;
  for (long t = 0; t < n; ++t) {
    const T* key = keys + t * d;
    Part sums{};
    for (long j = 0; j < whole; j += kFloats) sums += load_floats(q + j) * load_floats(key + j);
    float lanes[kFloats], sum = 0;
    memcpy(lanes, &sums, sizeof sums);
    for (float x : lanes) sum += x;
    for (long j = whole; j < d; ++j) sum += q[j] * value(key[j]);
    scores[t] = scale * sum;
  }
  float top;
  const float inverse = 1.0F / exponentials(scores, n, &top);
  constexpr long kTogether = 4;
  long j = 0;
  for (; j + kTogether * kFloats <= d; j += kTogether * kFloats) {
    Part sums[kTogether] = {};
    for (long t = 0; t < n; ++t)
#pragma GCC unroll 4
      for (long i = 0; i < kTogether; ++i) sums[i] += scores[t] * load_floats(values + t * d + j + i * kFloats);
    for (long i = 0; i < kTogether; ++i) {
      sums[i] *= inverse;
      memcpy(out + j + i * kFloats, &sums[i], sizeof sums[i]);
    }
  }
  for (; j < d; ++j) {
    float sum = 0;
    for (long t = 0; t < n; ++t) sum += scores[t] * value(values[t * d + j]);
    out[j] = sum * inverse;
  }
}
void attend_f32(const float* q, const float* k, const float* v, long n, long d, float scale, float* scores, float* out) {
  attend(q, k, v, n, d, scale, scores, out);
}
void attend_f16(const float* q, const uint16_t* k, const uint16_t* v, long n, long d, float scale, float* scores, float* out) {
  attend(q, k, v, n, d, scale, scores, out);
}

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

void log_sum_exp(const float* x, long n, float* largest_x, float* log_sum) {
  const float top = largest(x, n);
  double sum = 0;  // of stretches, each summed in f32: a vocabulary is too long for one f32 sum
  for (long i = 0; i < n; i += 256) {
    const long end = n - i < 256 ? n : i + 256;
    float part = 0;
    for (long j = i; j < end; ++j) part += exp_negative(x[j] - top);
    sum += part;
  }
  *largest_x = top;
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
                                                     pack_i8,
                                                     pack_columns_i8,
                                                     rows_i8,
                                                     quantise,
                                                     quantise_wide,
                                                     weigh,
                                                     attend_f32,
                                                     attend_f16,
                                                     exponentials,
                                                     add_scaled,
                                                     to_f16,
                                                     layer_norm,
                                                     gelu,
                                                     largest,
                                                     log_sum_exp,
                                                     sample};

}  // namespace decoder
