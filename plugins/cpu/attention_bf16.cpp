#include <omp.h>

#include <cmath>
#include <numbers>

#include "kernels_bf16.hpp"
#include "stages.hpp"

namespace npurt_cpu {
namespace {

int64_t whole(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

void AttentionBf16::plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
  refuse_unless_bf16(host);
  Attention::plan(host, in, out);
  const int64_t head = out[0].dims[1] / static_cast<int64_t>(host.number("heads", 1, 1, 4096));
  if (head % 32) throw npurt::Refuse("heads of " + std::to_string(head) + " values are not a multiple of 32");
}

AttentionBf16::AttentionBf16(npurt::Host host, npurt::Specs in)
    : length_(in[0].dims[0]),
      padded_(whole(length_, 32)),
      width_(in[0].dims[1] / 3),
      heads_(static_cast<int64_t>(host.number("heads", 1, 1, 4096))),
      threads_(host.threads()),
      kernels_(isa() == Isa::amx ? amx::kernels : bf16::kernels) {}

void AttentionBf16::run(npurt::Call& call) {
  const float* qkv = call.in(0).data();
  float* out = call.out(0).data();
  const int64_t stride = 3 * width_, head = width_ / heads_, per_head = padded_ * head;
  const auto each = static_cast<size_t>(kBf16Rows * (2 * head + 3 * padded_));  // in 16-bit values, for one thread
  const auto packed = static_cast<size_t>(2 * heads_ * per_head);
  uint16_t* const keys = call.host().scratch<uint16_t>(packed + each * static_cast<size_t>(threads_)).data();
  uint16_t* const values = keys + heads_ * per_head;
  const Bf16Kernels& kernel = kernels_;

#pragma omp parallel for collapse(2) num_threads(threads_) schedule(static)
  for (int64_t h = 0; h < heads_; ++h)
    for (int64_t t = 0; t < padded_; t += 16) {
      const float *k = qkv + t * stride + width_ + h * head, *v = k + width_;
      kernel.pack_transposed(k, stride, length_ - t, head, keys + h * per_head + t * head);
      for (int64_t r = t; r < t + 16; r += 2, v += 2 * stride)
        kernel.pack_pair(r < length_ ? v : nullptr, r + 1 < length_ ? v + stride : nullptr, head, 16 * padded_,
                         values + h * per_head + r * 16);
    }

  // exp(x) = 2^(x · log2 e)
  const auto scale = static_cast<float>(std::numbers::log2e / std::sqrt(static_cast<double>(head)));
  const int64_t blocks = padded_ / kBf16Rows;
#pragma omp parallel for num_threads(threads_) schedule(dynamic)
  for (int64_t i = 0; i < heads_ * blocks; ++i) {
    const int64_t h = i / blocks, first = i % blocks * kBf16Rows, rows = std::min<int64_t>(kBf16Rows, length_ - first);
    uint16_t* const q = keys + packed + each * static_cast<size_t>(omp_get_thread_num());
    uint16_t* const p = q + kBf16Rows * head;
    auto* const s = reinterpret_cast<float*>(p + kBf16Rows * padded_);
    // Rows past the end repeat stale numbers, which nobody reads.
    for (int64_t r = 0; r < rows; ++r) kernel.convert(qkv + (first + r) * stride + h * head, head, scale, q + r * head);
    kernel.multiply(q, keys + h * per_head, head, padded_, s, padded_);
    float sums[kBf16Rows];
    for (int64_t r = 0; r < rows; ++r) sums[r] = kernel.softmax2(s + r * padded_, length_, padded_, p + r * padded_);
    kernel.multiply(p, values + h * per_head, padded_, head, s, head);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < head; ++j) out[(first + r) * width_ + h * head + j] = s[r * head + j] / sums[r];
  }
}

}  // namespace npurt_cpu
