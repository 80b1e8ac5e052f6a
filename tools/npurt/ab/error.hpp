// How far the values that b made are from those that a made of the same inputs.
#pragma once

#include <array>
#include <cstdint>
#include <npurt/runtime.hpp>

namespace npurt::cli {

class ValueError {
 public:
  // Bin i of the histogram counts |a - b| in [10^(i-9), 10^(i-8)); the first takes what is smaller, the last what is larger.
  static constexpr int kBins = 13, kLowest = -9;

  // Both f32 or f16, bf16, integers of the same shape; JSON is compared as text: equal or not. Throws Error(run_failed) if the
  // shapes differ.
  void add(const Tensor& a, const Tensor& b);
  void add(const ValueError& more);

  int64_t values() const { return values_; }
  int64_t exact() const { return exact_; }            // equal values
  int64_t not_finite() const { return not_finite_; }  // NaN or Inf in b where a has none
  double largest() const { return largest_; }         // |a - b|
  double relative() const;                            // |a - b| / |a|, of all values as one vector
  double cosine() const;                              // 0 if only one side is zero, 1 if both are
  const std::array<int64_t, kBins>& histogram() const { return histogram_; }

 private:
  void add(double a, double b);

  int64_t values_ = 0, exact_ = 0, not_finite_ = 0;
  double largest_ = 0, aa_ = 0, bb_ = 0, ab_ = 0, dd_ = 0;
  std::array<int64_t, kBins> histogram_{};
};

}  // namespace npurt::cli
