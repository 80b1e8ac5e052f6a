// The diarizer's own kernels: a matrix product over many rows, and the gates of an LSTM. One table per instruction set.
#pragma once

#include <cstdint>

namespace diarizer {

constexpr long kPanel = 16;  // columns of a packed matrix that lie together

struct Kernels {
  const char* name;
  // y[i*ldy + j] += sum over t of x[i*ldx + t] * w[t, j], for i < m, j < n, t < k. `packed` holds w as n / kPanel panels, each
  // [k, kPanel]; n is a multiple of kPanel. A row's result does not depend on the rows beside it.
  void (*product)(const float* x, long m, long ldx, const float* packed, long n, long k, float* y, long ldy);
  // The same over bytes: y[i*ldy + j] += scale[j] * sum over t of x[i*ldx + t] * w[t, j], where a panel of `packed` is [k/4,
  // kPanel, 4]; k is a multiple of 4. Null where the processor has no 8-bit dot product.
  void (*product_i8)(const uint8_t* x, long m, long ldx, const int8_t* packed, const float* scale, long n, long k, float* y,
                     long ldy);
  // One step of an LSTM for n units: gates holds input, forget, cell and output gate (PyTorch's order), n values each, before
  // their activations. Updates c and writes h.
  void (*lstm)(const float* gates, long n, float* c, float* h);
};

// Fastest level that this processor has and NPURT_ISA allows. Throws BadConfig when NPURT_ISA is no level.
const Kernels& kernels();

}  // namespace diarizer
