#include "rows.hpp"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <string_view>

namespace vad {
namespace {

#define NPURT_INLINE inline __attribute__((always_inline))

// As wide as the target's registers: GCC splits wider vectors through memory.
template <int W>
struct Vector {
  typedef float Floats __attribute__((vector_size(W * sizeof(float))));
};

// R rows of x by B blocks of 16 of w, whose sums fill the registers; `count` of the last block's sums are stored.
template <int W, int R, int B>
NPURT_INLINE void tile(const float* x, const float* w, const float* bias, long k, float* y, long n, long count) {
  using Floats = typename Vector<W>::Floats;
  constexpr int kParts = B * 16 / W;
  Floats sums[R][kParts];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int p = 0; p < kParts; ++p) memcpy(&sums[r][p], bias + W * p, sizeof(Floats));
  for (long t = 0; t < k; ++t)
#pragma GCC unroll 8
    for (int p = 0; p < kParts; ++p) {
      Floats part;
      memcpy(&part, w + (p * W / 16 * k + t) * 16 + p * W % 16, sizeof part);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) sums[r][p] += x[r * k + t] * part;
    }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    if (count == 16) {
#pragma GCC unroll 8
      for (int p = 0; p < kParts; ++p) memcpy(y + r * n + W * p, &sums[r][p], sizeof(Floats));
    } else {
      memcpy(y + r * n, &sums[r][0], static_cast<size_t>((B - 1) * 16 + count) * sizeof(float));
    }
}

// Of vectors of W floats, R rows by a block, or one row by `One` blocks.
template <int W, int R, int One>
NPURT_INLINE void all(const float* x, long m, const float* w, const float* bias, long n, long k, float* y) {
  auto left = [n](long j) { return n - j < 16 ? n - j : 16; };
  long i = 0;
  for (; i + R <= m; i += R)
    for (long j = 0; j < n; j += 16) tile<W, R, 1>(x + i * k, w + j * k, bias + j, k, y + i * n + j, n, left(j));
  for (; i < m; ++i) {
    long j = 0;
    for (; j + 16 * One <= n; j += 16 * One) tile<W, 1, One>(x + i * k, w + j * k, bias + j, k, y + i * n + j, n, 16);
    for (; j < n; j += 16) tile<W, 1, 1>(x + i * k, w + j * k, bias + j, k, y + i * n + j, n, left(j));
  }
}

using Multiply = void (*)(const float*, long, const float*, const float*, long, long, float*);
void plain(const float* x, long m, const float* w, const float* bias, long n, long k, float* y) {
  all<4, 2, 2>(x, m, w, bias, n, k, y);
}

#if defined(__x86_64__)
__attribute__((target("arch=x86-64-v3"))) void v3(const float* x, long m, const float* w, const float* bias, long n, long k,
                                                  float* y) {
  all<8, 6, 4>(x, m, w, bias, n, k, y);
}
__attribute__((target("arch=x86-64-v4"))) void v4(const float* x, long m, const float* w, const float* bias, long n, long k,
                                                  float* y) {
  all<16, 8, 8>(x, m, w, bias, n, k, y);
}
// By sets of features, not names of processors, which a virtual machine may hide; NPURT_ISA holds it to base or avx2.
Multiply fastest() {
  const char* variable = getenv("NPURT_ISA");
  const std::string_view most = variable ? variable : "";
  if (most == "base") return plain;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512cd");
  return avx512 && most != "avx2" ? v4 : avx2 ? v3 : plain;
}
#else
Multiply fastest() { return plain; }
#endif

}  // namespace

Rows::Rows(const float* w, const float* bias, long n, long k) : n_(n), k_(k) {
  const long padded = (n + 15) / 16 * 16;
  packed_.resize(static_cast<size_t>(padded * k));
  bias_.resize(static_cast<size_t>(padded));
  for (long j = 0; j < n; ++j) {
    if (bias) bias_[static_cast<size_t>(j)] = bias[j];
    for (long t = 0; t < k; ++t) packed_[static_cast<size_t>((j / 16 * k + t) * 16 + j % 16)] = w[j * k + t];
  }
}

void Rows::multiply(const float* x, long m, float* y) const {
  static const Multiply chosen = fastest();
  chosen(x, m, packed_.data(), bias_.data(), n_, k_, y);
}

// The compiler makes one copy for each of these and picks one when the library is loaded. Thread sanitizer starts too late for
// that.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define NPURT_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define NPURT_CLONES
#endif

// tanh(x) = 2·σ(2x) - 1, so that all is made of exp, which the compiler has in vectors.
NPURT_CLONES void lstm(const float* input, const float* recurrent, long n, float* c, float* h) {
  for (long i = 0; i < n; ++i) {
    const float in = 1 / (1 + expf(-input[i] - recurrent[i]));
    const float forget = 1 / (1 + expf(-input[n + i] - recurrent[n + i]));
    const float cell = 2 / (1 + expf(-2 * (input[2 * n + i] + recurrent[2 * n + i]))) - 1;
    const float out = 1 / (1 + expf(-input[3 * n + i] - recurrent[3 * n + i]));
    c[i] = forget * c[i] + in * cell;
    h[i] = out * (2 / (1 + expf(-2 * c[i])) - 1);
  }
}

}  // namespace vad
