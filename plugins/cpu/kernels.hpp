// Vector kernels over one row (or one group of frames), compiled once per instruction set. Plain C types only: a template or an
// inline function used here could be emitted with AVX code and then be shared, by the linker, with code that must run anywhere.
#pragma once

#include <stdint.h>

namespace npurt_cpu {

// x ≈ low + step * q
struct Range {
  float low, step;
};

// Frames that `power400` and `mel` handle side by side, as the innermost dim.
constexpr int kLanes = 8;

struct Kernels {
  // y = act(y + bias) + residual. bias and residual may be null; act is GELU (with erf, not tanh) or nothing.
  void (*finish)(float* y, const float* bias, const float* residual, int64_t n, bool gelu);
  // q = round((x - low) / step), low and step chosen so that q spans 0…levels and zero is exact: after GELU most values are next
  // to it, and a row with one large value would shift them all alike. A row that holds NaN or Inf gets a NaN step.
  Range (*quantise)(const float* x, uint8_t* q, int64_t n, int levels);
  // y = act(scale * range.step * acc + range.low * offset + bias) + residual: the product with W and all that follows it, given
  // acc = q·Wᵀ and offset = scale * the row sums of W. residual may be null; GELU within 1e-4, far below a step of the 8 bits.
  void (*finish_int8)(const int32_t* acc, Range range, const float* scale, const float* offset, const float* bias,
                      const float* residual, float* y, int64_t n, bool gelu);
  // y = (x - mean) / sqrt(variance + eps) * weight + bias. Ba et al. 2016, arXiv:1607.06450; sums in double.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float* y, int64_t n, float eps);
  // x = exp(x - max(x)); returns the sum.
  float (*exp_row)(float* x, int64_t n);
  // |DFT|² of 400 real samples: x[400][kLanes] -> power[201][kLanes]. roots: cos and -sin of 2πi/400, interleaved.
  void (*power400)(const double* x, const double* roots, double* power);
  // out[kLanes] = Σ weight[i] * power[i][kLanes], i < n
  void (*mel)(const double* power, const double* weight, int64_t n, double* out);
};

namespace base {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}

}  // namespace npurt_cpu
