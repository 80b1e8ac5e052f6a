#include "cache.hpp"

#include <algorithm>
#include <cmath>

namespace decoder {

CrossCache::CrossCache(const Facts& f) : rows_(f.audio_ctx), width_(f.head_size()), heads_(f.heads), layers_(f.layers) {
  kept_ = memory<float>(at(layers_, 0, false), true);
}

// Row by row, as they lie in kv: head by head, each step would come to another page, of megabytes.
void CrossCache::fill(const float* kv, int first, int count, int threads) {
  const int parts = 2 * heads_;  // of a layer: keys of every head, then values
#pragma omp parallel for num_threads(threads)
  for (int t = first; t < first + count; ++t)
    for (int i = 0; i < layers_ * parts; ++i)
      std::copy_n(kv + (static_cast<int64_t>(t - first) * layers_ * parts + i) * width_, width_,
                  &kept_[at(i / parts, i % heads_, i % parts >= heads_) + static_cast<size_t>(t * width_)]);
}

void CrossCache::attend(int layer, int head, const float* q, float* scores, float* out) const {
  const float scale = 1.0F / std::sqrt(static_cast<float>(width_));
  kernels().attend_f32(q, &kept_[at(layer, head, false)], &kept_[at(layer, head, true)], rows_, width_, scale, scores, out);
}

SelfCache::SelfCache(const Facts& f, bool exact) : rows_(f.text_ctx), width_(f.head_size()), heads_(f.heads), layers_(f.layers) {
  const size_t total = at(layers_, 0, false, 0);
  if (exact) f32_.reset(new float[total]);
  else f16_.reset(new uint16_t[total]);
}

void SelfCache::put(int layer, int position, const float* keys, const float* values) {
  for (int head = 0; head < heads_; ++head)
    for (const bool value : {false, true}) {
      const float* from = (value ? values : keys) + head * width_;
      const size_t to = at(layer, head, value, position);
      if (f32_) std::copy_n(from, width_, &f32_[to]);
      else kernels().to_f16(from, width_, &f16_[to]);
    }
}

void SelfCache::attend(int layer, int head, int length, const float* q, float* scores, float* out) const {
  const float scale = 1.0F / std::sqrt(static_cast<float>(width_));
  const size_t k = at(layer, head, false, 0), v = at(layer, head, true, 0);
  if (f32_) kernels().attend_f32(q, &f32_[k], &f32_[v], length, width_, scale, scores, out);
  else kernels().attend_f16(q, &f16_[k], &f16_[v], length, width_, scale, scores, out);
}

void SelfCache::copy_from(const SelfCache& other, int length) {
  for (int i = 0; i < layers_ * heads_ * 2; ++i) {
    const size_t from = static_cast<size_t>(i) * static_cast<size_t>(rows_ * width_);
    if (f32_) std::copy_n(&other.f32_[from], length * width_, &f32_[from]);
    else std::copy_n(&other.f16_[from], length * width_, &f16_[from]);
  }
}

}  // namespace decoder
