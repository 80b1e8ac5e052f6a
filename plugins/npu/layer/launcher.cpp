#include "launcher.hpp"

#include <cmath>
#include <cstring>
#include <map>

#include "../bf16.hpp"
#include "../virtual/cost.hpp"
#include "../virtual/traffic.hpp"
#include "check.hpp"

namespace npurt_npu {
namespace {

constexpr float kScale = 0.125F;  // 1 / sqrt(64), exact in bf16

// A norm's gamma and beta go into the product that follows it: (n·gamma + beta)·W + b = n·(gamma·W) + (beta·W + b). So they are
// rounded once, with the weights.
void pack(std::byte* to, const LayerWeights& w, const LayerSource::Pair& product, const LayerSource::Pair* norm,
          uint64_t scaled) {
  for (uint64_t n = 0; n < w.n; ++n) {
    const float* row = product.weight + n * w.k;
    const float scale = n < scaled ? kScale : 1.0F;
    double bias = product.bias ? product.bias[n] : 0.0F;
    for (uint64_t k = 0; k < w.k; ++k) {
      if (norm) bias += static_cast<double>(row[k]) * norm->bias[k];
      const uint16_t rounded = bf16_of(scale * row[k] * (norm ? norm->weight[k] : 1.0F));
      std::memcpy(to + w.weight(k, n), &rounded, sizeof rounded);
    }
    const auto b = static_cast<float>(scale * bias);
    std::memcpy(to + w.bias(n), &b, sizeof b);
  }
}

}  // namespace

LayerLauncher::LayerLauncher(Device& device, const LayerShape& shape, const LayerSource& source) : shape_(shape) {
  check_layer(shape);
  const Generation& g = device.generation();
  context_ = device.context(layer_design(g));
  workspace_ = Workspace::of(*context_);
  const auto products = layer_products(shape);
  for (size_t i = 0; i < products.size(); ++i) {
    const LayerWeights w{products[i].k, products[i].n};
    weights_[i] = context_->buffer(w.bytes());
    const LayerSource::Pair* norm = i == 0 ? &source.attn_ln : i == 2 ? &source.mlp_ln : nullptr;
    pack(weights_[i]->map().data(), w, source.products[i], norm, i == 0 ? shape.width : 0);
    weights_[i]->to_device();
  }
  const LayerPlaces at(shape);
  add(g, norm_launch(g, shape, at.x, at.n));
  add(g, product_launch(g, shape, products[0]));
  add(g, attend_launch(g, shape, at.qkv, at.y));
  add(g, product_launch(g, shape, products[1]));
  add(g, norm_launch(g, shape, at.sum, at.m));
  add(g, product_launch(g, shape, products[2]));
  add(g, product_launch(g, shape, products[3]));
  work_.launches = programs_.size();
  work_.seconds += dispatch_seconds(g, programs_.size());
}

void LayerLauncher::add(const Generation& g, const LayerLaunch& launch) {
  Usage u = traffic(g, launch.stream);
  u.core_cycles = launch.core_cycles;
  work_.read += u.read, work_.written += u.written;
  work_.seconds += launch_seconds(g, u);
  programs_.push_back(context_->program(launch.stream));
}

Outcome LayerLauncher::run(const float* x, const std::function<void(const LayerView&)>& look) {
  const std::lock_guard lock(workspace_->mutex);
  const LayerPlaces at(shape_);
  Buffer& layer = workspace_->at(*context_, 0, at.end);
  const uint64_t row = 4 * shape_.width;
  std::byte* data = layer.map().data();
  std::memcpy(data + at.x, x, shape_.length * row);
  std::memset(data + at.x + shape_.length * row, 0, (shape_.rows() - shape_.length) * row);
  layer.to_device();
  // The weights of each launch; one that has none gets a buffer all the same.
  Buffer* const weights[] = {&layer, weights_[0].get(), &layer, weights_[1].get(), &layer, weights_[2].get(), weights_[3].get()};
  std::vector<Launch> list;
  for (size_t i = 0; i < programs_.size(); ++i) list.push_back({programs_[i].get(), {&layer, weights[i], &layer}});
  const Outcome outcome = context_->run(list, deadline());
  layer.from_device();
  LayerView view{data, {}};
  for (size_t i = 0; i < weights_.size(); ++i) view.weights[i] = weights_[i]->map().data();
  look(view);
  return outcome;
}

void layer_self_test(Device& device) {
  static std::mutex mutex;
  static std::map<const Device*, std::string> known;
  const std::lock_guard lock(mutex);
  auto it = known.find(&device);
  if (it == known.end()) {
    const LayerShape s{76, 128, 2};  // three tiles of keys, the last one short
    unsigned chance = 1;
    auto values = [&](uint64_t count, float middle, float spread) {
      std::vector<float> v(count);
      for (float& y : v) y = middle + spread * (static_cast<float>((chance = chance * 1664525 + 1013904223) >> 16) / 32768 - 1);
      return v;
    };
    std::vector<std::vector<float>> kept;
    auto keep = [&](uint64_t count, float middle, float spread) {
      kept.push_back(values(count, middle, spread));
      return kept.back().data();
    };
    LayerSource source{};
    for (auto* norm : {&source.attn_ln, &source.mlp_ln}) *norm = {keep(s.width, 1, 0.3F), keep(s.width, 0, 0.2F)};
    const auto products = layer_products(s);
    for (size_t i = 0; i < products.size(); ++i)
      source.products[i] = {keep(products[i].k * products[i].n, 0, 0.15F), keep(products[i].n, 0, 0.2F)};
    const std::vector<float> x = values(s.length * s.width, 0.2F, 2);
    LayerLauncher(device, s, source).run(x.data(), [&](const LayerView& view) {
      uint64_t zeros = 0, nans = 0, wrong = 0;
      std::string first;
      const auto* out = reinterpret_cast<const float*>(view.layer + LayerPlaces(s).out);
      for (uint64_t i = 0; i < x.size(); ++i) zeros += out[i] == 0, nans += std::isnan(out[i]);
      for (uint64_t i = 0; i < s.length; ++i)
        if (const std::string part = wrong_part(s, view, x.data(), i); !part.empty() && wrong++ == 0)
          first = "row " + std::to_string(i) + ", " + part;
      const std::string all = std::to_string(x.size());
      it = known
               .emplace(&device,
                        zeros == x.size() ? "gave only zeros"
                        : nans            ? "gave NaN in " + std::to_string(nans) + " of " + all + " values"
                        : wrong ? "gave " + std::to_string(wrong) + " wrong rows of " + std::to_string(s.length) + ": " + first
                                : "")
               .first;
    });
  }
  if (!it->second.empty()) throw DeviceError("self-test of encoder_layer bf16 on " + device.name() + " " + it->second);
}

}  // namespace npurt_npu
