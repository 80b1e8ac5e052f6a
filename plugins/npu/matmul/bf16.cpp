#include "../bf16.hpp"

#include <algorithm>
#include <cmath>

#include "common.hpp"

namespace npurt_npu {
void MatmulBf16::plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
  if (host.option("precision", "auto") == "int8") throw npurt::Refuse("precision is int8");
  plan_matmul(host, in, out);
}

MatmulBf16::MatmulBf16(npurt::Host host, npurt::Specs in)
    : m_(in[0].dims[0]),
      k_(in[0].dims[1]),
      n_(host.weight<float>(host.option("weight")).rows),
      epilogue_(host, n_),
      w_(host.weight<float>(host.option("weight"))),
      launcher_(open_launcher(host, gemm_bf16(), m_, k_, n_)) {
  const float* w = w_.data;
  for (int64_t n = 0; n < n_; ++n)
    for (int64_t k = 0; k < k_; ++k)
      launcher_.set_weight(static_cast<uint64_t>(k), static_cast<uint64_t>(n), bf16_of(w[n * k_ + k]));
  launcher_.finish_weights();
}

// Whether one row of C, another one at each run, is right to rounding.
bool MatmulBf16::row_is_right(const uint16_t* a, const float* c) {
  const int64_t i = (turn_ += 7919) % m_;
  const uint16_t* x = a + i * static_cast<int64_t>(launcher_.padded().k);
  const float* row = c + i * static_cast<int64_t>(launcher_.padded().n);
  for (int64_t j = 0; j < n_; ++j) {
    const float* w = w_.data + j * k_;
    double sum = 0, size = 0;
    for (int64_t k = 0; k < k_; ++k) {
      const double p = static_cast<double>(float_of(x[k])) * float_of(bf16_of(w[k]));
      sum += p;
      size += std::fabs(p);
    }
    if (!(std::fabs(row[j] - sum) <= 1e-4 * size)) return false;
  }
  return true;
}

void MatmulBf16::run(npurt::Call& call) {
  const float* in = call.in(0).data();
  const float* residual = call.has(1) ? call.in(1).data() : nullptr;
  float* out = call.out(0).data();
  const auto depth = static_cast<int64_t>(launcher_.padded().k), width = static_cast<int64_t>(launcher_.padded().n);
  bool sound = true, right = false;
  const uint16_t* rows = nullptr;
  auto fill = [&](std::byte* a) {
    auto* q = reinterpret_cast<uint16_t*>(a);
    rows = q;
    for (int64_t i = 0; i < m_; ++i, q += depth) {
      std::transform(in + i * k_, in + (i + 1) * k_, q, bf16_of);
      std::fill(q + k_, q + depth, uint16_t{0});
    }
  };
  auto use = [&](const std::byte* c) {
    const auto* product = reinterpret_cast<const float*>(c);
    right = row_is_right(rows, product);
    for (int64_t i = 0; i < m_; ++i, product += width) {
      float* y = out + i * n_;
      std::copy(product, product + n_, y);
      sound = epilogue_.finish(y, residual ? residual + i * n_ : nullptr, n_) && sound;
    }
  };
  launch(call.host(), launcher_, fill, use);
  if (!sound) throw npurt::Fault("the product holds NaN or Inf");
  if (!right) throw npurt::Fault("the NPU gave a wrong product");
}

}  // namespace npurt_npu
