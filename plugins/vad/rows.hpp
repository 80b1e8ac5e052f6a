// The products and cells of Silero's network, by the fastest version that the processor can run.
#pragma once

#include <vector>

namespace vad {

// W [n,k] row-major, kept as [n/16][k][16] with zeros behind the last row, and its bias or zeros: each value of x meets 16 rows.
class Rows {
 public:
  Rows() = default;
  Rows(const float* w, const float* bias, long n, long k);
  long count() const { return n_; }
  // y[i*n + j] = dot(x[i*k..], w[j*k..]) + bias[j], i < m, j < n.
  void multiply(const float* x, long m, float* y) const;

 private:
  std::vector<float> packed_, bias_;
  long n_ = 0, k_ = 0;
};

// One step of n cells of an LSTM (Hochreiter & Schmidhuber 1997): gates = input + recurrent, each [4n] in PyTorch's order input,
// forget, cell, output; c and h are replaced.
void lstm(const float* input, const float* recurrent, long n, float* c, float* h);

}  // namespace vad
