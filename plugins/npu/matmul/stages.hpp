// matmul on the NPU, as the cpu plugin does it: c = act(a·Wᵀ + bias) + residual. One launch multiplies; W stays on the device.
// What comes before (quantising or rounding a) and after (scale, bias, GELU, residual) is the host's.
#pragma once

#include <manifests.hpp>
#include <npurt/plugin.hpp>
#include <vector>

#include "../launcher.hpp"

namespace npurt_npu {

// The rows' own work after a product: options `bias` and `activation: gelu`.
struct Epilogue {
  Epilogue(npurt::Host host, int64_t n);
  // y = act(y + bias) + residual; false if a value is NaN or Inf.
  bool finish(float* y, const float* residual, int64_t n) const;
  const float* bias = nullptr;
  bool gelu = false;
};

// int8: W has one scale per row; each row of a is mapped to i8 as it comes, so nothing is calibrated.
class MatmulI8 {
 public:
  static constexpr auto op = "matmul";
  static constexpr auto kernel = npurt_kernels::manifest_matmul_i8::kernel;
  static constexpr auto signature = npurt_kernels::manifest_matmul_i8::signature;
  static constexpr auto device = "npu";
  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  MatmulI8(npurt::Host host, npurt::Specs in);
  void run(npurt::Call& call);

 private:
  bool row_is_right(const int8_t* a, const int32_t* c);
  int64_t m_, k_, n_;
  Epilogue epilogue_;
  npurt::Weight<int8_t> w_;
  std::vector<uint32_t> sums_;  // of W's rows
  Launcher launcher_;
  int64_t turn_ = 0;
};

// bf16: a and W are rounded to nearest even, sums are f32.
class MatmulBf16 {
 public:
  static constexpr auto op = "matmul";
  static constexpr auto kernel = npurt_kernels::manifest_matmul_bf16::kernel;
  static constexpr auto signature = npurt_kernels::manifest_matmul_bf16::signature;
  static constexpr auto device = "npu";
  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  MatmulBf16(npurt::Host host, npurt::Specs in);
  void run(npurt::Call& call);

 private:
  bool row_is_right(const uint16_t* a, const float* c);
  int64_t m_, k_, n_;
  Epilogue epilogue_;
  npurt::Weight<float> w_;
  Launcher launcher_;
  int64_t turn_ = 0;
};

}  // namespace npurt_npu
