// The KV cache: what earlier tokens (self) and the audio (cross) left behind, so that a new token costs one step and not a
// replay.
#pragma once

#include <memory>

#include "model.hpp"

namespace decoder {

// Keys and values of one window's audio: for each layer and head, audio_ctx rows of keys, then as many of values. f16 where the
// matrices are int8 anyway, f32 where results must equal the reference.
class CrossCache {
 public:
  // kv is [audio_ctx, layers * 2 * state] as blocks/cross.yaml makes it.
  void fill(const Facts& f, const float* kv, bool half);
  const float* keys(int layer, int head) const { return f32_.data() + at(layer, head); }
  const float* values(int layer, int head) const { return keys(layer, head) + rows_ * width_; }
  const uint16_t* half_keys(int layer, int head) const { return f16_.data() + at(layer, head); }
  const uint16_t* half_values(int layer, int head) const { return half_keys(layer, head) + rows_ * width_; }
  bool half() const { return half_; }

 private:
  size_t at(int layer, int head) const {
    return static_cast<size_t>((layer * heads_ + head) * 2) * static_cast<size_t>(rows_ * width_);
  }
  std::vector<float> f32_;
  std::vector<uint16_t> f16_;
  int rows_ = 0, width_ = 0, heads_ = 0;
  bool half_ = false;
};

// Keys and values of the tokens so far of one sequence: for each layer and head, text_ctx rows of keys, then as many of values.
// Memory is touched only as far as a sequence grows.
class SelfCache {
 public:
  explicit SelfCache(const Facts& f);
  float* keys(int layer, int head) {
    return data_.get() + static_cast<size_t>((layer * heads_ + head) * 2) * static_cast<size_t>(rows_ * width_);
  }
  float* values(int layer, int head) { return keys(layer, head) + rows_ * width_; }
  // Makes the first `length` positions those of `other`.
  void copy_from(SelfCache& other, int length);

 private:
  std::unique_ptr<float[]> data_;
  int rows_, width_, heads_, layers_;
};

}  // namespace decoder
