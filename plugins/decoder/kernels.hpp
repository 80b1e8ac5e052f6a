// The decoder's own kernels: products of few rows with big matrices, which general GEMM libraries are slow at, and attention of
// one query over a cache. One table per instruction set.
#pragma once

#include <cstdint>

namespace decoder {

// int8 rows as [rows/16][k/4][16][4], so that one instruction meets 16 of them. k is a multiple of 4; rows are rounded up to 16
// in all of these, with zeros.
struct PackedRows {
  const int8_t* data;
  const int32_t* offset;  // -128 times the sum of each row
  const float *scale, *bias;
  long rows, k;
};

struct Kernels {
  const char* name;
  // y[i*ldy + r] = dot(w[r*k..], x[i*k..]) for r < rows, i < m. All row-major f32.
  void (*rows_f32)(const float* w, long rows, long k, const float* x, long m, float* y, long ldy);
  // One block of 16 rows as PackedRows has them; rows from `count` on are zeros.
  void (*pack_i8)(const int8_t* w, long count, long k, int8_t* packed, int32_t* offset);
  // All of w, turned: its columns become the rows, `rows` their length. rows is a multiple of 4, k of 16.
  void (*pack_columns_i8)(const int8_t* w, long rows, long k, int8_t* packed, int32_t* offset);
  // y[i*ldy + r] = (x_scale[i] * scale[r]) * sum of w * (x - 128) + bias[r], summed exactly, for the rows of blocks `first` to
  // `end` of 16; x holds m rows of u8 = value + 128.
  void (*rows_i8)(const PackedRows& w, long first, long end, const uint8_t* x, const float* x_scale, long m, float* y, long ldy);
  // Symmetric quantisation of one row: x = scale * (q - 128); returns scale.
  float (*quantise)(const float* x, long k, uint8_t* q);
  // The same in two bytes: x = scale * (254 * (high - 128) + low - 128).
  float (*quantise_wide)(const float* x, long k, uint8_t* high, uint8_t* low);
  // Weights p[t] * by[t] >= 0 as unit * (q - 1); returns unit. What rounding takes from one it gives to the 16th after it, so
  // that many small ones keep their sum. n is a multiple of 16.
  float (*weigh)(const float* p, const float* by, long n, uint8_t* q);
  // out[d] = softmax(scale * q . keys[t]) . values[t], t < n; keys and values are [n, d] rows; scores holds n, and after it
  // exp(score - the largest).
  void (*attend_f32)(const float* q, const float* keys, const float* values, long n, long d, float scale, float* scores,
                     float* out);
  void (*attend_f16)(const float* q, const uint16_t* keys, const uint16_t* values, long n, long d, float scale, float* scores,
                     float* out);
  // x = exp(x - largest); returns the sum.
  float (*exponentials)(float* x, long n, float* largest);
  // y += by * x
  void (*add_scaled)(const float* x, float by, long n, float* y);
  void (*to_f16)(const float* in, long n, uint16_t* out);
  // (x - mean) / sqrt(var + 1e-5) * gamma + beta
  void (*layer_norm)(const float* x, const float* gamma, const float* beta, long n, float* out);
  // x * Phi(x) with erf to 2e-7 (Numerical Recipes, erfc by Chebyshev fit), in place.
  void (*gelu)(float* x, long n);
  float (*largest)(const float* x, long n);
  // Largest value, and log of the sum of exp(x - largest), of n values.
  void (*log_sum_exp)(const float* x, long n, float* largest, float* log_sum);
  // The index at which the running sum of exp((x - top) / temperature) passes `draw` in [0, 1) of the whole; top is the largest
  // x.
  long (*sample)(const float* x, long n, float top, float temperature, double draw);
};

// Fastest level that this processor has, or the one that NPURT_ISA (base, avx2, avx512, vnni; bf16 and amx are vnni here) names.
// Throws BadConfig when that is none of these words, or more than the processor has.
const Kernels& kernels();
// All levels that this processor can run, slowest first; null-terminated.
const Kernels* const* kernel_levels();

}  // namespace decoder
