// The KV cache: what earlier tokens (self) and the audio (cross) left behind, so that a new token costs one step and not a
// replay.
#pragma once

#include <memory>

#include "model.hpp"

namespace decoder {

// Keys and values of one window's audio: for each layer and head, audio_ctx rows of keys, then as many of values. f32 where
// results must equal the reference; where the matrices are int8 anyway, bytes or else f16, because every token reads all of it.
class CrossCache {
 public:
  CrossCache(const Facts& f, bool exact);
  // kv is [audio_ctx, layers * 2 * state] as blocks/cross.yaml makes it.
  void fill(const float* kv);
  // out = softmax(q · keysᵀ / sqrt(head size)) · values; scores has room for audio_ctx rounded up to 16, and then holds the
  // softmax, up to a factor.
  void attend(int layer, int head, const float* q, float* scores, float* out) const;

 private:
  enum class Kept { f32, f16, i8 };
  static constexpr int kBlock = 16, kWidest = 256;  // rows and values of a row that Kernels::attend_i8 takes at once
  void pack(const float* row, int t, int group, bool values);
  // Of a layer and head: where its rows begin, in values, and its scales.
  int group(int layer, int head) const { return layer * heads_ + head; }
  size_t rows_at(int group, bool values) const {
    return (static_cast<size_t>(group) * 2 + values) * static_cast<size_t>(padded_ * width_);
  }
  size_t scales_at(int group, bool values) const {
    return (static_cast<size_t>(group) * 2 + values) * static_cast<size_t>(padded_);
  }

  Kept kept_;
  std::unique_ptr<float[]> f32_, scales_;
  std::unique_ptr<uint16_t[]> f16_;
  std::unique_ptr<uint8_t[]> i8_;
  int rows_, padded_, width_, heads_, layers_;
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
