#include <cmath>
#include <numeric>

#include "common.hpp"

namespace npurt_npu {
namespace {

// x ≈ step · (q - zero). Zero is exact: after GELU most values are next to it, and a row that holds one large value would shift
// them all alike, which the product sums up. `zero` is unsigned, as whatever a faulty device gives must not overflow.
struct Range {
  float step;
  uint32_t zero;
};

// Rows that hold NaN or Inf get a step that is none.
Range quantise(const float* x, int8_t* q, int64_t n) {
  float low = 0, high = 0, poison = 0;
  for (int64_t i = 0; i < n; ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
    poison += x[i] * 0.0F;
  }
  const float step = (high - low) / 255.0F;
  float inverse = step > 0 ? 1.0F / step : 0.0F;
  inverse = inverse < 1e38F ? inverse : 0.0F;
  const float below = low < 0 && inverse > 0 ? -low * inverse + 0.5F : 0.0F;
  const int32_t levels_below = static_cast<int32_t>(below);
  for (int64_t i = 0; i < n; ++i) {
    float v = x[i] * inverse + (static_cast<float>(levels_below) + 0.5F);
    v = v > 0 ? v : 0;
    v = v < 255.0F ? v : 255.0F;
    q[i] = static_cast<int8_t>(static_cast<int32_t>(v) - 128);
  }
  return {step + poison, static_cast<uint32_t>(levels_below - 128)};
}

}  // namespace

void MatmulI8::plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
  if (host.option("precision", "auto") == "f32") throw npurt::Refuse("precision is f32");
  plan_matmul(host, in, out);
}

MatmulI8::MatmulI8(npurt::Host host, npurt::Specs in)
    : m_(in[0].dims[0]),
      k_(in[0].dims[1]),
      n_(host.weight<int8_t>(host.option("weight")).rows),
      epilogue_(host, n_),
      w_(host.weight<int8_t>(host.option("weight"))),
      launcher_(open_launcher(host, gemm_i8(), m_, k_, n_)) {
  for (int64_t n = 0; n < n_; ++n) {
    const int8_t* row = w_.data + n * k_;
    sums_.push_back(static_cast<uint32_t>(std::accumulate(row, row + k_, 0)));
    for (int64_t k = 0; k < k_; ++k) launcher_.set_weight(static_cast<uint64_t>(k), static_cast<uint64_t>(n), row[k]);
  }
  launcher_.finish_weights();
}

// Whether one row of C, another one at each run, is what integers say: the answer to a device that went wrong after its test.
bool MatmulI8::row_is_right(const int8_t* a, const int32_t* c) {
  const int64_t i = (turn_ += 7919) % m_;
  const int8_t* x = a + i * static_cast<int64_t>(launcher_.padded().k);
  const int32_t* row = c + i * static_cast<int64_t>(launcher_.padded().n);
  for (int64_t j = 0; j < n_; ++j) {
    const int8_t* w = w_.data + j * k_;
    int32_t sum = 0;
    for (int64_t k = 0; k < k_; ++k) sum += x[k] * w[k];
    if (row[j] != sum) return false;
  }
  return true;
}

void MatmulI8::run(npurt::Call& call) {
  const float* in = call.in(0).data();
  const float* residual = call.has(1) ? call.in(1).data() : nullptr;
  float* out = call.out(0).data();
  const auto depth = static_cast<int64_t>(launcher_.padded().k), width = static_cast<int64_t>(launcher_.padded().n);
  std::vector<Range> range(static_cast<size_t>(m_));
  bool finite = true, right = false, sound = true;
  const int8_t* rows = nullptr;
  auto fill = [&](std::byte* a) {
    auto* q = reinterpret_cast<int8_t*>(a);
    rows = q;
    for (int64_t i = 0; i < m_; ++i, q += depth) {
      range[static_cast<size_t>(i)] = quantise(in + i * k_, q, k_);
      finite = finite && std::isfinite(range[static_cast<size_t>(i)].step);
      std::fill(q + k_, q + depth, int8_t{0});
    }
    if (!finite) throw npurt::Fault("input a holds NaN or Inf, which int8 cannot carry");
  };
  auto use = [&](const std::byte* c) {
    const auto* acc = reinterpret_cast<const int32_t*>(c);
    right = row_is_right(rows, acc);
    for (int64_t i = 0; i < m_; ++i, acc += width) {
      const Range r = range[static_cast<size_t>(i)];
      float* y = out + i * n_;
      for (int64_t j = 0; j < n_; ++j)
        y[j] = w_.scale[j] * r.step *
               static_cast<float>(static_cast<int32_t>(static_cast<uint32_t>(acc[j]) - r.zero * sums_[static_cast<size_t>(j)]));
      sound = epilogue_.finish(y, residual ? residual + i * n_ : nullptr, n_) && sound;
    }
  };
  launch(call.host(), launcher_, fill, use);
  if (!right) throw npurt::Fault("the NPU gave a wrong product");
  if (!sound) throw npurt::Fault("the product holds NaN or Inf");
}

}  // namespace npurt_npu
