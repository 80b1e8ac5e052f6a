#include "rows.hpp"

#include <math.h>

namespace vad {

// The compiler makes one copy for each of these, which are sets of features, not names of processors that a virtual machine may
// hide, and picks one when the library is loaded. Thread sanitizer starts too late for that.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define NPURT_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define NPURT_CLONES
#endif

NPURT_CLONES void rows(const float* x, long m, const float* w, const float* bias, long n, long k, float* y) {
  long i = 0;
  for (; i + 4 <= m; i += 4) {
    const float *a = x + i * k, *b = a + k, *c = b + k, *d = c + k;
    for (long j = 0; j < n; j += 2) {
      const long next = j + 1 < n ? 1 : 0;  // an odd last one is done twice
      const float *v = w + j * k, *u = v + next * k;
      float s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0 = 0, t1 = 0, t2 = 0, t3 = 0;
      for (long t = 0; t < k; ++t) {
        s0 += a[t] * v[t];
        s1 += b[t] * v[t];
        s2 += c[t] * v[t];
        s3 += d[t] * v[t];
        t0 += a[t] * u[t];
        t1 += b[t] * u[t];
        t2 += c[t] * u[t];
        t3 += d[t] * u[t];
      }
      const float e = bias ? bias[j] : 0.0F, f = bias ? bias[j + next] : 0.0F;
      float* out = y + i * n + j;
      out[0] = s0 + e;
      out[n] = s1 + e;
      out[2 * n] = s2 + e;
      out[3 * n] = s3 + e;
      out[next] = t0 + f;
      out[n + next] = t1 + f;
      out[2 * n + next] = t2 + f;
      out[3 * n + next] = t3 + f;
    }
  }
  for (; i < m; ++i)
    for (long j = 0; j < n; ++j) {
      float s = bias ? bias[j] : 0.0F;
      for (long t = 0; t < k; ++t) s += x[i * k + t] * w[j * k + t];
      y[i * n + j] = s;
    }
}

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
