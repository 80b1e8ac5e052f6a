// Compiled once per instruction set (CMakeLists.txt). No standard library templates here: their instantiations would be shared
// with code that must run on older processors.
#include "kernels.hpp"

#if defined(__AVX512VNNI__)
#include <immintrin.h>
#endif

#define NPURT_CONCAT2(a, b) a##b
#define NPURT_CONCAT(a, b) NPURT_CONCAT2(a, b)
#define NPURT_TEXT2(a) #a
#define NPURT_TEXT(a) NPURT_TEXT2(a)

namespace diarizer {
namespace {

// Vectors are as wide as the registers: GCC splits wider ones through memory. Tiles have as many rows as leave a panel's sums in
// registers, and their loops are unrolled for the same reason.
#if defined(__AVX512F__)
constexpr int kWidth = 16, kRows = 14;
#elif defined(__AVX2__)
constexpr int kWidth = 8, kRows = 6;
#else
constexpr int kWidth = 4, kRows = 2;
#endif
constexpr int kParts = kPanel / kWidth;
typedef float Vector __attribute__((vector_size(kWidth * sizeof(float)), aligned(4), may_alias));
typedef int Integers __attribute__((vector_size(kWidth * sizeof(int))));

inline Vector at(const float* p, int part = 0) { return reinterpret_cast<const Vector*>(p)[part]; }

template <int M>
inline void tile(const float* x, long ldx, const float* w, long k, float* y, long ldy) {
  Vector sum[M][kParts];
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) sum[i][p] = at(y + i * ldy, p);
  for (long t = 0; t < k; ++t) {
    Vector column[kParts];
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) column[p] = at(w + t * kPanel, p);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i)
#pragma GCC unroll 4
      for (int p = 0; p < kParts; ++p) sum[i][p] += x[i * ldx + t] * column[p];
  }
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) reinterpret_cast<Vector*>(y + i * ldy)[p] = sum[i][p];
}

void product(const float* x, long m, long ldx, const float* packed, long n, long k, float* y, long ldy) {
  for (long j = 0; j < n; j += kPanel, packed += k * kPanel) {
    long i = 0;
    for (; i + kRows <= m; i += kRows) tile<kRows>(x + i * ldx, ldx, packed, k, y + i * ldy + j, ldy);
    for (; i < m; ++i) tile<1>(x + i * ldx, ldx, packed, k, y + i * ldy + j, ldy);
  }
}

#if defined(__AVX512VNNI__)
// M rows by P panels; the products are written out because GCC 12 copies every sum, before and after, around the intrinsic.
template <int M, int P>
inline void tile_i8(const uint8_t* x, long ldx, const int8_t* w, const float* scale, long k, float* y, long ldy) {
  __m512i sum[P][M];
#pragma GCC unroll 2
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) sum[p][i] = _mm512_setzero_si512();
  for (long t = 0; t < k; t += 4) {
    __m512i column[P];
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) column[p] = _mm512_loadu_si512(w + (p * k + t) * kPanel);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      int four;
      __builtin_memcpy(&four, x + i * ldx + t, sizeof four);
      const __m512i all = _mm512_set1_epi32(four);
#pragma GCC unroll 2
      for (int p = 0; p < P; ++p) asm("vpdpbusd %2, %1, %0" : "+v"(sum[p][i]) : "v"(all), "v"(column[p]));
    }
  }
#pragma GCC unroll 2
  for (int p = 0; p < P; ++p) {
    const __m512 by = _mm512_loadu_ps(scale + p * kPanel);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      float* to = y + i * ldy + p * kPanel;
      _mm512_storeu_ps(to, _mm512_fmadd_ps(by, _mm512_cvtepi32_ps(sum[p][i]), _mm512_loadu_ps(to)));
    }
  }
}

template <int P>
inline void panels_i8(const uint8_t* x, long m, long ldx, const int8_t* packed, const float* scale, long k, float* y, long ldy) {
  long i = 0;
  for (; i + kRows <= m; i += kRows) tile_i8<kRows, P>(x + i * ldx, ldx, packed, scale, k, y + i * ldy, ldy);
  for (; i < m; ++i) tile_i8<1, P>(x + i * ldx, ldx, packed, scale, k, y + i * ldy, ldy);
}

void product_i8(const uint8_t* x, long m, long ldx, const int8_t* packed, const float* scale, long n, long k, float* y,
                long ldy) {
  long j = 0;
  for (; j + 2 * kPanel <= n; j += 2 * kPanel) panels_i8<2>(x, m, ldx, packed + j * k, scale + j, k, y + j, ldy);
  for (; j < n; j += kPanel) panels_i8<1>(x, m, ldx, packed + j * k, scale + j, k, y + j, ldy);
}
#else
constexpr decltype(Kernels::product_i8) product_i8 = nullptr;
#endif

// exp(x) to 2 units in the last place: x = n ln2 + r, a polynomial in r (Cephes, expf), and n added to the exponent.
inline Vector exponential(Vector x) {
  const Vector high = Vector{} + 88.0F, low = Vector{} - 87.0F;
  x = x > high ? high : x;
  x = x < low ? low : x;
  const Vector scaled = x * 1.44269504F;
  const Integers n = __builtin_convertvector(scaled + (scaled < 0 ? Vector{} - 0.5F : Vector{} + 0.5F), Integers);
  const Vector whole = __builtin_convertvector(n, Vector);
  const Vector r = x - whole * 0.693359375F + whole * 2.12194440e-4F;
  Vector p = Vector{} + 1.9875691500e-4F;
  constexpr float kRest[] = {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F};
  for (float c : kRest) p = p * r + c;
  p = p * r * r + r + 1.0F;
  return p * reinterpret_cast<Vector>((n + 127) << 23);
}
inline Vector sigmoid(Vector x) { return 1.0F / (1.0F + exponential(-x)); }
inline Vector tangent(Vector x) { return 2.0F / (1.0F + exponential(-2.0F * x)) - 1.0F; }

void lstm(const float* gates, long n, float* c, float* h) {
  for (long j = 0; j < n; j += kWidth) {
    const Vector cell = sigmoid(at(gates + n + j)) * at(c + j) + sigmoid(at(gates + j)) * tangent(at(gates + 2 * n + j));
    *reinterpret_cast<Vector*>(c + j) = cell;
    *reinterpret_cast<Vector*>(h + j) = sigmoid(at(gates + 3 * n + j)) * tangent(cell);
  }
}

}  // namespace

extern const Kernels NPURT_CONCAT(kernels_, NPURT_LEVEL);
const Kernels NPURT_CONCAT(kernels_, NPURT_LEVEL) = {NPURT_TEXT(NPURT_LEVEL), product, product_i8, lstm};

}  // namespace diarizer
