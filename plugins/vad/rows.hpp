#pragma once

namespace vad {

// y[i*n + j] = dot(x[i*k..], w[j*k..]) + bias[j], i < m, j < n; bias may be null. The fastest version that the processor can run.
void rows(const float* x, long m, const float* w, const float* bias, long n, long k, float* y);

}  // namespace vad
