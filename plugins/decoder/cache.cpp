#include "cache.hpp"

#include <algorithm>
#include <cmath>

namespace decoder {

CrossCache::CrossCache(const Facts& f, bool exact)
    : rows_(f.audio_ctx), padded_(f.audio_ctx), width_(f.head_size()), heads_(f.heads), layers_(f.layers) {
  kept_ = exact ? Kept::f32 : kernels().attend_i8 && width_ % 16 == 0 && width_ <= kWidest ? Kept::i8 : Kept::f16;
  if (kept_ == Kept::i8) padded_ = (rows_ + kBlock - 1) / kBlock * kBlock;
  const size_t total = rows_at(layers_ * heads_, false);
  if (kept_ == Kept::f32) f32_ = memory<float>(total);
  if (kept_ == Kept::f16) f16_ = memory<uint16_t>(total);
  if (kept_ == Kept::i8) {
    i8_ = memory<uint8_t>(total);
    scales_ = memory<float>(scales_at(layers_ * heads_, false));
  }
}

// Four rows by four, as they lie in kv: head by head, each step would come to another page, of megabytes.
void CrossCache::fill(const float* kv, int first, int count) {
  static constexpr float nothing[kWidest] = {};
  const int parts = 2 * heads_;  // of a layer: keys of every head, then values
  const int end = first + count == rows_ ? padded_ : first + count;
#pragma omp parallel for
  for (int t = first; t < end; t += kTogether)
    for (int i = 0; i < layers_ * parts; ++i) {
      const float* rows[kTogether];
      for (int r = 0; r < kTogether; ++r)
        rows[r] = t + r < rows_ ? kv + (static_cast<int64_t>(t + r - first) * layers_ * parts + i) * width_ : nothing;
      pack(rows, t, group(i / parts, i % heads_), i % parts >= heads_);
    }
}

void CrossCache::pack(const float* const* rows, int t, int group, bool values) {
  const size_t at = rows_at(group, values) + static_cast<size_t>(t * width_);
  if (kept_ != Kept::i8) {
    for (int r = 0; r < std::min(kTogether, rows_ - t); ++r) {
      const size_t to = at + static_cast<size_t>(r * width_);
      if (kept_ == Kept::f32) std::copy_n(rows[r], width_, &f32_[to]);
      else kernels().to_f16(rows[r], width_, &f16_[to]);
    }
    return;
  }
  float* scales = &scales_[scales_at(group, values) + static_cast<size_t>(t)];
  if (values) return kernels().quantise_four(rows, width_, &i8_[at], scales);
  uint8_t* block = &i8_[rows_at(group, false) + static_cast<size_t>(t / kBlock * kBlock * width_ + t % kBlock * 4)];
  for (int r = 0; r < kTogether; ++r, block += 4) {
    uint8_t bytes[kWidest];
    scales[r] = kernels().quantise(rows[r], width_, bytes);
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
