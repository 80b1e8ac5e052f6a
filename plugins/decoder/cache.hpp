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
  static constexpr int kTogether = 4;  // rows that are packed at once
  // kv is [count, layers * 2 * state] as blocks/cross.yaml makes it, of rows `first` on; `first` is a multiple of kTogether, and
  // so is `count` but for the last rows.
  void fill(const float* kv, int first, int count);
  // out = softmax(q · keysᵀ / sqrt(head size)) · values; scores has room for audio_ctx rounded up to 16, and then holds the
  // softmax, up to a factor.
  void attend(int layer, int head, const float* q, float* scores, float* out) const;

 private:
  enum class Kept { f32, f16, i8 };
  static constexpr int kBlock = 16;  // keys that lie side by side for Kernels::attend_i8; of values, kTogether do
  // Rows t to t + 4.
  void pack(const float* const* rows, int t, int group, bool values);
  // Of a layer and head: where its rows begin, in values, and its scales.
  int group(int layer, int head) const { return layer * heads_ + head; }
  size_t rows_at(int group, bool values) const {
    return (static_cast<size_t>(group) * 2 + values) * static_cast<size_t>(padded_ * width_);
  }
  size_t scales_at(int group, bool values) const {
    return (static_cast<size_t>(group) * 2 + values) * static_cast<size_t>(padded_);
  }

  Kept kept_;
  Memory<float> f32_, scales_;
  Memory<uint16_t> f16_;
  Memory<uint8_t> i8_;
  int rows_, padded_, width_, heads_, layers_;
};

// Keys and values of the tokens so far of one sequence: for each layer and head, text_ctx rows of keys, then as many of values;
// f32 or f16, as above. Memory is touched only as far as a sequence grows.
class SelfCache {
 public:
  SelfCache(const Facts& f, bool exact);
  // One token's, of all heads.
  void put(int layer, int position, const float* keys, const float* values);
  // As CrossCache::attend, over the first `length` positions.
  void attend(int layer, int head, int length, const float* q, float* scores, float* out) const;
  // Makes the first `length` positions those of `other`.
  void copy_from(const SelfCache& other, int length);

 private:
  size_t at(int layer, int head, bool value, int position) const {
    return static_cast<size_t>(((layer * heads_ + head) * 2 + value) * rows_ + position) * static_cast<size_t>(width_);
  }

  std::unique_ptr<float[]> f32_;
  std::unique_ptr<uint16_t[]> f16_;
  int rows_, width_, heads_, layers_;
};

}  // namespace decoder
