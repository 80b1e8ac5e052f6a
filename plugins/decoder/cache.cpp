#include "cache.hpp"

#include <algorithm>

namespace decoder {

void CrossCache::fill(const Facts& f, const float* kv, bool half) {
  rows_ = f.audio_ctx;
  width_ = f.head_size();
  heads_ = f.heads;
  half_ = half;
  const size_t total = static_cast<size_t>(f.layers) * 2 * static_cast<size_t>(f.state) * static_cast<size_t>(rows_);
  if (half) f16_.resize(total);
  else f32_.resize(total);
  const int64_t stride = static_cast<int64_t>(f.layers) * 2 * f.state;
#pragma omp parallel for collapse(2)
  for (int layer = 0; layer < f.layers; ++layer)
    for (int part = 0; part < 2 * f.heads; ++part) {  // keys of every head, then values
      const float* from = kv + static_cast<int64_t>(layer) * 2 * f.state + static_cast<int64_t>(part) * width_;
      const size_t to = at(layer, part % f.heads) + (part < f.heads ? 0 : static_cast<size_t>(rows_ * width_));
      for (int t = 0; t < rows_; ++t) {
        const size_t row = to + static_cast<size_t>(t * width_);
        if (half) kernels().to_f16(from + t * stride, width_, f16_.data() + row);
        else std::copy_n(from + t * stride, width_, f32_.data() + row);
      }
    }
}

SelfCache::SelfCache(const Facts& f)
    : data_(new float[static_cast<size_t>(f.layers) * 2 * static_cast<size_t>(f.state) * static_cast<size_t>(f.text_ctx)]),
      rows_(f.text_ctx),
      width_(f.head_size()),
      heads_(f.heads),
      layers_(f.layers) {}

void SelfCache::copy_from(SelfCache& other, int length) {
  for (int layer = 0; layer < layers_; ++layer)
    for (int head = 0; head < heads_; ++head) {
      std::copy_n(other.keys(layer, head), length * width_, keys(layer, head));
      std::copy_n(other.values(layer, head), length * width_, values(layer, head));
    }
}

}  // namespace decoder
