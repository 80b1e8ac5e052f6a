#include "cache.hpp"

#include <algorithm>
#include <cmath>

namespace decoder {

CrossCache::CrossCache(const Facts& f, bool exact)
    : rows_(f.audio_ctx), padded_(f.audio_ctx), width_(f.head_size()), heads_(f.heads), layers_(f.layers) {
  kept_ = exact ? Kept::f32 : kernels().attend_i8 && width_ % 16 == 0 && width_ <= kWidest ? Kept::i8 : Kept::f16;
  if (kept_ == Kept::i8) padded_ = (rows_ + kBlock - 1) / kBlock * kBlock;
  const size_t total = rows_at(layers_ * heads_, false);
  if (kept_ == Kept::f32) f32_.reset(new float[total]);
  if (kept_ == Kept::f16) f16_.reset(new uint16_t[total]);
  if (kept_ == Kept::i8) {
    i8_.reset(new uint8_t[total]);
    scales_.reset(new float[scales_at(layers_ * heads_, false)]);
  }
}

// Row by row, as they lie in kv: head by head, each step would come to another page, of megabytes.
void CrossCache::fill(const float* kv) {
  static constexpr float nothing[kWidest] = {};
  const int parts = 2 * heads_;  // of a layer: keys of every head, then values
#pragma omp parallel for
  for (int block = 0; block < padded_; block += kBlock)
    for (int t = block; t < std::min(block + kBlock, padded_); ++t)
      for (int i = 0; i < layers_ * parts; ++i)
        pack(t < rows_ ? kv + (static_cast<int64_t>(t) * layers_ * parts + i) * width_ : nothing, t, group(i / parts, i % heads_),
             i % parts >= heads_);
}

void CrossCache::pack(const float* row, int t, int group, bool values) {
  const size_t at = rows_at(group, values) + static_cast<size_t>(t * width_);
  if (kept_ == Kept::f32) {
    std::copy_n(row, width_, &f32_[at]);
  } else if (kept_ == Kept::f16) {
    kernels().to_f16(row, width_, &f16_[at]);
  } else if (values) {
    scales_[scales_at(group, true) + static_cast<size_t>(t)] = kernels().quantise(row, width_, &i8_[at]);
  } else {
    uint8_t bytes[kWidest];
    scales_[scales_at(group, false) + static_cast<size_t>(t)] = kernels().quantise(row, width_, bytes);
    uint8_t* block = &i8_[rows_at(group, false) + static_cast<size_t>(t / kBlock * kBlock * width_ + t % kBlock * 4)];
    for (int j = 0; j < width_; j += 4) std::copy_n(bytes + j, 4, block + j * kBlock);
  }
}

void CrossCache::attend(int layer, int head, const float* q, float* scores, float* out) const {
  const float scale = 1.0F / std::sqrt(static_cast<float>(width_));
  const int g = group(layer, head);
  const size_t k = rows_at(g, false), v = rows_at(g, true);
  if (kept_ == Kept::f32) kernels().attend_f32(q, &f32_[k], &f32_[v], rows_, width_, scale, scores, out);
  else if (kept_ == Kept::f16) kernels().attend_f16(q, &f16_[k], &f16_[v], rows_, width_, scale, scores, out);
  else
    kernels().attend_i8(q, &i8_[k], &scales_[scales_at(g, false)], &i8_[v], &scales_[scales_at(g, true)], rows_, width_, scale,
                        scores, out);
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
