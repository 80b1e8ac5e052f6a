// A product of f32 matrices on the bf16 kernel, nearly as exact as f32: each value is the sum of two bf16, and
// [a_high a_high a_low]·[b_high; b_low; b_high] is one product of bf16, three times as deep.
#pragma once

#include "bf16.hpp"
#include "launcher.hpp"

namespace npurt_npu {

class SplitProduct {
 public:
  // c [rows, width] = a [rows, depth]·b [depth, width]. Throws as Launcher does.
  SplitProduct(Device& device, uint64_t rows, uint64_t depth, uint64_t width)
      : depth_(depth), launcher_(device, gemm_bf16(), {rows, 3 * depth, width}) {}

  void set_weight(uint64_t k, uint64_t n, float b) {
    const SplitBf16 s(b);
    launcher_.set_weight(k, n, s.high);
    launcher_.set_weight(depth_ + k, n, s.low);
    launcher_.set_weight(2 * depth_ + k, n, s.high);
  }
  const Work& work() const { return launcher_.work(); }
  void finish_weights() { launcher_.finish_weights(); }

  // row(i, a) gives the place of row i of a, to be filled; use(i, c) reads row i of c.
  template <typename Row, typename Use>
  Outcome run(Row&& row, Use&& use) {
    const GemmShape &s = launcher_.shape(), &p = launcher_.padded();
    std::vector<float> one(depth_);
    return launcher_.run(
        [&](std::byte* a) {
          auto* q = reinterpret_cast<uint16_t*>(a);
          for (uint64_t i = 0; i < s.m; ++i, q += p.k) {
            row(i, one.data());
            for (uint64_t k = 0; k < depth_; ++k) {
              const SplitBf16 x(one[k]);
              q[k] = q[depth_ + k] = x.high;
              q[2 * depth_ + k] = x.low;
            }
            for (uint64_t k = 3 * depth_; k < p.k; ++k) q[k] = 0;
          }
        },
        [&](const std::byte* c) {
          for (uint64_t i = 0; i < s.m; ++i) use(i, reinterpret_cast<const float*>(c) + i * p.n);
        });
  }

 private:
  uint64_t depth_;
  Launcher launcher_;
};

}  // namespace npurt_npu
