#include "cache.hpp"

#include <algorithm>
#include <cmath>

namespace decoder {

void CrossCache::fill(const Facts& f, const float* kv, bool exact) {
  rows_ = f.audio_ctx;
  padded_ = (rows_ + 15) / 16 * 16;
  width_ = f.head_size();
  heads_ = f.heads;
  kept_ = exact ? Kept::f32 : kernels().attend_i8 && width_ % 16 == 0 && width_ <= 256 ? Kept::i8 : Kept::f16;
  const size_t total = rows_at(f.layers * f.heads, false);
  if (kept_ == Kept::f32) f32_.resize(total);
  if (kept_ == Kept::f16) f16_.resize(total);
  if (kept_ == Kept::i8) {
    i8_.resize(total);
    scales_.resize(scales_at(f.layers * f.heads, false));
  }
  const int64_t stride = static_cast<int64_t>(f.layers) * 2 * f.state;
#pragma omp parallel for collapse(2)
  for (int layer = 0; layer < f.layers; ++layer)
    for (int part = 0; part < 2 * f.heads; ++part)  // keys of every head, then values
      pack(kv + static_cast<int64_t>(layer) * 2 * f.state + static_cast<int64_t>(part) * width_, stride, part < f.heads,
           group(layer, part % f.heads));
}

void CrossCache::pack(const float* kv, int64_t stride, bool keys, int group) {
  const size_t to = rows_at(group, !keys);
  float* scales = scales_.data() + scales_at(group, !keys);
  for (int t = 0; t < rows_; ++t) {
    const float* row = kv + t * stride;
    const size_t at = to + static_cast<size_t>(t * width_);
    if (kept_ == Kept::f32) {
      std::copy_n(row, width_, f32_.data() + at);
    } else if (kept_ == Kept::f16) {
      kernels().to_f16(row, width_, f16_.data() + at);
    } else if (keys) {
      uint8_t bytes[256];
      scales[t] = kernels().quantise(row, width_, bytes);
      uint8_t* block = i8_.data() + to + static_cast<size_t>(t / 16 * 16 * width_ + t % 16 * 4);
      for (int j = 0; j < width_; j += 4) std::copy_n(bytes + j, 4, block + j * 16);
    } else {
      scales[t] = kernels().quantise(row, width_, i8_.data() + at);
    }
  }
}

void CrossCache::attend(int layer, int head, const float* q, float* scores, float* out) const {
  const float scale = 1.0F / std::sqrt(static_cast<float>(width_));
  const int g = group(layer, head);
  const size_t k = rows_at(g, false), v = rows_at(g, true);
  if (kept_ == Kept::f32) kernels().attend_f32(q, f32_.data() + k, f32_.data() + v, rows_, width_, scale, scores, out);
  else if (kept_ == Kept::f16) kernels().attend_f16(q, f16_.data() + k, f16_.data() + v, rows_, width_, scale, scores, out);
  else
    kernels().attend_i8(q, i8_.data() + k, scales_.data() + scales_at(g, false), i8_.data() + v,
                        scales_.data() + scales_at(g, true), rows_, width_, scale, scores, out);
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
