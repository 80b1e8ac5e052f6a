#include "rows.hpp"

namespace vad {

// The compiler makes one copy for each of these and picks one when the library is loaded. Thread sanitizer starts too late for
// that.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define NPURT_CLONES __attribute__((target_clones("default", "arch=haswell", "arch=skylake-avx512")))
#else
#define NPURT_CLONES
#endif

NPURT_CLONES void rows(const float* x, long m, const float* w, const float* bias, long n, long k, float* y) {
  long i = 0;
  for (; i + 4 <= m; i += 4) {
    const float *a = x + i * k, *b = a + k, *c = b + k, *d = c + k;
    for (long j = 0; j < n; ++j) {
      const float* v = w + j * k;
      float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      for (long t = 0; t < k; ++t) {
        s0 += a[t] * v[t];
        s1 += b[t] * v[t];
        s2 += c[t] * v[t];
        s3 += d[t] * v[t];
      }
      const float e = bias ? bias[j] : 0.0F;
      y[i * n + j] = s0 + e;
      y[(i + 1) * n + j] = s1 + e;
      y[(i + 2) * n + j] = s2 + e;
      y[(i + 3) * n + j] = s3 + e;
    }
  }
  for (; i < m; ++i)
    for (long j = 0; j < n; ++j) {
      float s = bias ? bias[j] : 0.0F;
      for (long t = 0; t < k; ++t) s += x[i * k + t] * w[j * k + t];
      y[i * n + j] = s;
    }
}

}  // namespace vad
