#include "kernels.hpp"

namespace npurt_cpu::NPURT_CPU_LEVEL {
namespace {

inline uint32_t bits(float x) { return __builtin_bit_cast(uint32_t, x); }
inline float from_bits(uint32_t x) { return __builtin_bit_cast(float, x); }

// e^x for x <= 88, within 2 ulp; 0 is reached as 1e-38. NaN stays NaN. Cephes' expf (Moshier): x = n·ln2 + r, then a polynomial.
inline float exp_of(float x) {
  constexpr float kRound = 12582912.0F;  // 1.5·2^23: adding it leaves the nearest integer in the low mantissa bits
  x = x < -87.0F ? -87.0F : x;
  float shifted = x * 1.44269504F + kRound;
  float n = shifted - kRound;
  float r = x - n * 0.693359375F;
  r = r + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  return from_bits((bits(shifted) << 23) + bits(p));
}

// x·Φ(x) by erfc of Abramowitz & Stegun 7.1.26, absolute error below 2e-7·max(1, |x|).
inline float gelu_of(float x) {
  float z = x * 0.70710678118654752F;
  float a = z < 0 ? -z : z;
  float t = 1.0F / (1.0F + 0.3275911F * a);
  float p = 1.061405429F;
  p = p * t - 1.453152027F;
  p = p * t + 1.421413741F;
  p = p * t - 0.284496736F;
  p = p * t + 0.254829592F;
  float square = a * a;
  square = square < 80.0F ? square : 80.0F;  // beyond, products would be denormal, and slow
  float half = 0.5F * p * t * exp_of(-square);
  return x * (x < 0 ? half : 1.0F - half);
}

void finish(float* y, const float* bias, const float* residual, int64_t n, bool gelu) {
  if (bias)
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) y[i] += bias[i];
  if (gelu)
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) y[i] = gelu_of(y[i]);
  if (residual)
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) y[i] += residual[i];
}

Range quantise(const float* x, uint8_t* q, int64_t n, int levels) {
  float low = 0, high = 0, poison = 0;
#pragma omp simd reduction(min : low) reduction(max : high) reduction(+ : poison)
  for (int64_t i = 0; i < n; ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
    poison += x[i] * 0.0F;
  }
  float step = (high - low) / static_cast<float>(levels);
  float inverse = step > 0 ? 1.0F / step : 0.0F;
  inverse = inverse < 1e38F ? inverse : 0.0F;
  float top = static_cast<float>(levels);
  float below = low < 0 && inverse > 0 ? static_cast<float>(static_cast<int32_t>(-low * inverse + 0.5F)) : 0.0F;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    float v = x[i] * inverse + (below + 0.5F);
    v = v > 0 ? v : 0;  // also NaN
    v = v < top ? v : top;
    q[i] = static_cast<uint8_t>(static_cast<int32_t>(v));
  }
  return {-below * step, step + poison};
}

// x·Φ(x) within 3e-5, and 1e-5·|x| beyond ±4.4: Φ(x) = 1/2 + x·P(x²), P the minimax polynomial on ±4.4 that meets 1 there.
inline float near_gelu_of(float x) {
  float c = x < -4.4F ? -4.4F : x;
  c = c > 4.4F ? 4.4F : c;
  float square = c * c;
  float p = 3.569425310878671e-11F;
  p = p * square - 3.7540455188889155e-09F;
  p = p * square + 1.740846187203715e-07F;
  p = p * square - 4.724865902971942e-06F;
  p = p * square + 8.429299487033859e-05F;
  p = p * square - 0.0010549923172220588F;
  p = p * square + 0.009643027558922768F;
  p = p * square - 0.06607642769813538F;
  p = p * square + 0.3987616002559662F;
  return x * (c * p + 0.5F);
}

template <bool kGelu, bool kResidual>
void finish_rows(const int32_t* acc, Range range, const float* scale, const float* offset, const float* bias,
                 const float* residual, float* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    float v = scale[i] * range.step * static_cast<float>(acc[i]) + (range.low * offset[i] + bias[i]);
    if (kGelu) v = near_gelu_of(v);
    y[i] = kResidual ? v + residual[i] : v;
  }
}

void finish_int8(const int32_t* acc, Range range, const float* scale, const float* offset, const float* bias,
                 const float* residual, float* y, int64_t n, bool gelu) {
  auto* finish = gelu       ? residual ? finish_rows<true, true> : finish_rows<true, false>
                       : residual ? finish_rows<false, true>
                            : finish_rows<false, false>;
  finish(acc, range, scale, offset, bias, residual, y, n);
}

void layer_norm(const float* x, const float* weight, const float* bias, float* y, int64_t n, float eps) {
  double sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  double mean = sum / static_cast<double>(n);
#pragma omp simd reduction(+ : squares)
  for (int64_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  double scale = 1.0 / __builtin_sqrt(squares / static_cast<double>(n) + eps);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<float>((x[i] - mean) * scale) * weight[i] + bias[i];
}

float exp_row(float* x, int64_t n) {
  float top = x[0], sum = 0;
#pragma omp simd reduction(max : top)
  for (int64_t i = 0; i < n; ++i) top = x[i] > top ? x[i] : top;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) {
    x[i] = exp_of(x[i] - top);
    sum += x[i];
  }
  return sum;
}

// As many lanes as a register holds: a vector type that is wider is split through memory by GCC.
#if defined(__AVX512F__)
constexpr int kWidth = 8;
#elif defined(__AVX2__)
constexpr int kWidth = 4;
#else
constexpr int kWidth = 2;
#endif
using Lanes = double __attribute__((vector_size(kWidth * sizeof(double)), aligned(8)));

inline const Lanes& lanes(const double* x, int64_t row, int part) {
  return *reinterpret_cast<const Lanes*>(x + row * kLanes + part * kWidth);
}
inline Lanes& lanes(double* x, int64_t row, int part) { return *reinterpret_cast<Lanes*>(x + row * kLanes + part * kWidth); }

// 400 = 20·20 (Cooley & Tukey 1965): 20-point transforms, twiddles, 20-point transforms. x is real, so k1 = 11…19 mirrors 9…1.
void power400(const double* x, const double* roots, double* power) {
  for (int part = 0; part < kLanes / kWidth; ++part)
    for (int k1 = 0; k1 <= 10; ++k1) {
      Lanes re[20], im[20];
      for (int n2 = 0; n2 < 20; ++n2) {
        Lanes a = {}, b = {};
        for (int n1 = 0; n1 < 20; ++n1) {
          const double* w = roots + 2 * (20 * n1 * k1 % 400);
          a += lanes(x, 20 * n1 + n2, part) * w[0];
          b += lanes(x, 20 * n1 + n2, part) * w[1];
        }
        const double* w = roots + 2 * (n2 * k1);
        re[n2] = a * w[0] - b * w[1];
        im[n2] = a * w[1] + b * w[0];
      }
      for (int k2 = 0; k2 < 20; ++k2) {
        int k = k1 + 20 * k2;
        if (k > 200 && k1 % 10 == 0) break;
        Lanes a = {}, b = {};
        for (int n2 = 0; n2 < 20; ++n2) {
          const double* w = roots + 2 * (20 * n2 * k2 % 400);
          a += re[n2] * w[0] - im[n2] * w[1];
          b += re[n2] * w[1] + im[n2] * w[0];
        }
        lanes(power, k <= 200 ? k : 400 - k, part) = a * a + b * b;
      }
    }
}

void mel(const double* power, const double* weight, int64_t n, double* out) {
  for (int part = 0; part < kLanes / kWidth; ++part) {
    Lanes sum = {};
    for (int64_t i = 0; i < n; ++i) sum += lanes(power, i, part) * weight[i];
    lanes(out, 0, part) = sum;
  }
}

}  // namespace

extern const Kernels kernels = {finish, quantise, finish_int8, layer_norm, exp_row, power400, mel};

}  // namespace npurt_cpu::NPURT_CPU_LEVEL
