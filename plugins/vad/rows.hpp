#pragma once

namespace vad {

// y[i*n + j] = dot(x[i*k..], w[j*k..]) + bias[j], i < m, j < n; bias may be null. The fastest version that the processor can run.
void rows(const float* x, long m, const float* w, const float* bias, long n, long k, float* y);

// One step of n cells of an LSTM (Hochreiter & Schmidhuber 1997): gates = input + recurrent, each [4n] in PyTorch's order input,
// forget, cell, output; c and h are replaced.
void lstm(const float* input, const float* recurrent, long n, float* c, float* h);

}  // namespace vad
