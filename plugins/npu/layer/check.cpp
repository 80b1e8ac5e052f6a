#include "check.hpp"

#include <algorithm>
#include <cmath>

#include "../bf16.hpp"

namespace npurt_npu {
namespace {

constexpr double kRounded = 1.0 / 256;  // of bf16, with some room
constexpr uint64_t kHead = 64;

std::vector<float> bf16_row(const std::byte* layer, uint64_t place, uint64_t width, uint64_t row) {
  const auto* p = reinterpret_cast<const uint16_t*>(layer + place) + row * width;
  std::vector<float> v(width);
  std::transform(p, p + width, v.begin(), float_of);
  return v;
}

// NaN is never close.
bool close(double got, double want, double room) { return std::fabs(got - want) <= room; }

bool norm_is_right(const float* x, const std::vector<float>& got) {
  const auto n = static_cast<double>(got.size());
  double mean = 0, variance = 0;
  for (size_t i = 0; i < got.size(); ++i) mean += x[i] / n;
  for (size_t i = 0; i < got.size(); ++i) variance += (x[i] - mean) * (x[i] - mean) / n;
  for (size_t i = 0; i < got.size(); ++i) {
    const double want = (x[i] - mean) / std::sqrt(variance + 1e-5);
    if (!close(got[i], want, kRounded * std::fabs(want) + 1e-3)) return false;
  }
  return true;
}

// a·W + b and the sum of its terms' sizes, over the weights as they are packed.
struct Product {
  std::vector<double> sum, size;
  Product(const LayerWeights& w, const std::byte* packed, const std::vector<float>& a) : sum(w.n), size(w.n) {
    for (uint64_t n = 0; n < w.n; n += 4) {
      for (uint64_t j = n; j < n + 4; ++j)
        sum[j] = *reinterpret_cast<const float*>(packed + w.bias(j)), size[j] = std::fabs(sum[j]);
      for (uint64_t k = 0; k < w.k; ++k) {
        const auto* four = reinterpret_cast<const uint16_t*>(packed + w.weight(k, n));  // side by side in a block
        for (uint64_t j = 0; j < 4; ++j) {
          const double p = static_cast<double>(a[k]) * float_of(four[j]);
          sum[n + j] += p, size[n + j] += std::fabs(p);
        }
      }
    }
  }
};

bool product_is_right(const LayerProduct& p, const LayerView& view, size_t index, uint64_t row) {
  const Product want({p.k, p.n}, view.weights[index], bf16_row(view.layer, p.in, p.k, row));
  if (p.adds) {
    const auto* before = reinterpret_cast<const float*>(view.layer + p.residual) + row * p.n;
    const auto* got = reinterpret_cast<const float*>(view.layer + p.out) + row * p.n;
    for (uint64_t j = 0; j < p.n; ++j)
      if (!close(got[j], before[j] + want.sum[j], 1e-4 * (want.size[j] + std::fabs(before[j])))) return false;
    return true;
  }
  const std::vector<float> got = bf16_row(view.layer, p.out, p.n, row);
  for (uint64_t j = 0; j < p.n; ++j) {
    const double room = kRounded * std::fabs(want.sum[j]) + 1e-4 * want.size[j];
    const double y = p.gelu ? 0.5 * want.sum[j] * std::erfc(-want.sum[j] / std::sqrt(2.0)) : want.sum[j];
    if (!close(got[j], y, p.gelu ? 1.2 * room + 0.006 * std::fabs(y) + 0.0005 : room)) return false;
  }
  return true;
}

bool attention_is_right(const LayerShape& s, const LayerView& view, uint64_t row) {
  const LayerPlaces at(s);
  const auto* qkv = reinterpret_cast<const uint16_t*>(view.layer + at.qkv);
  const std::vector<float> got = bf16_row(view.layer, at.y, s.width, row);
  const uint64_t stride = 3 * s.width;
  std::vector<double> share(s.length);
  for (uint64_t head = 0; head < s.width; head += kHead) {
    const uint16_t* q = qkv + row * stride + head;
    double top = -1e300, all = 0, most = 0, want[kHead] = {};
    for (uint64_t i = 0; i < s.length; ++i) {
      const uint16_t* k = qkv + i * stride + s.width + head;
      double score = 0;
      for (uint64_t d = 0; d < kHead; ++d) score += static_cast<double>(float_of(q[d])) * float_of(k[d]);
      share[i] = score;
      top = std::max(top, score);
    }
    for (uint64_t i = 0; i < s.length; ++i) all += share[i] = std::exp(share[i] - top);
    for (uint64_t i = 0; i < s.length; ++i)
      for (uint64_t d = 0; d < kHead; ++d) want[d] += share[i] / all * float_of(qkv[i * stride + 2 * s.width + head + d]);
    for (double y : want) most = std::max(most, std::fabs(y));
    for (uint64_t d = 0; d < kHead; ++d)
      if (!close(got[head + d], want[d], 0.05 * most + 1e-3)) return false;
  }
  return true;
}

}  // namespace

std::string wrong_part(const LayerShape& s, const LayerView& view, const float* x, uint64_t row) {
  const LayerPlaces at(s);
  const auto products = layer_products(s);
  const auto* sum = reinterpret_cast<const float*>(view.layer + at.sum);
  if (!norm_is_right(x + row * s.width, bf16_row(view.layer, at.n, s.width, row))) return "attn_ln";
  if (!product_is_right(products[0], view, 0, row)) return "qkv";
  if (!attention_is_right(s, view, row)) return "attn";
  if (!product_is_right(products[1], view, 1, row)) return "out";
  if (!norm_is_right(sum + row * s.width, bf16_row(view.layer, at.m, s.width, row))) return "mlp_ln";
  if (!product_is_right(products[2], view, 2, row)) return "fc1";
  if (!product_is_right(products[3], view, 3, row)) return "fc2";
  return "";
}

}  // namespace npurt_npu
