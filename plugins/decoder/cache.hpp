// The KV cache: what earlier tokens (self) and the audio (cross) left behind, so that a new token costs one step and not a
// replay.
#pragma once

#include <memory>

#include "model.hpp"

namespace decoder {

// Keys and values of one window's audio, in f32: for each layer and head, audio_ctx rows of keys, then as many of values. For
// results that must equal the reference; what int8 models keep instead is AudioCache.
class CrossCache {
 public:
  explicit CrossCache(const Facts& f);
  // kv is [count, layers * 2 * state] as blocks/cross.yaml makes it, of rows `first` on.
  void fill(const float* kv, int first, int count, int threads);
  // out = softmax(q · keysᵀ / sqrt(head size)) · values; scores has room for audio_ctx, and then holds the softmax, up to a
  // factor.
  void attend(int layer, int head, const float* q, float* scores, float* out) const;

 private:
  size_t at(int layer, int head, bool value) const {
    return static_cast<size_t>((layer * heads_ + head) * 2 + value) * static_cast<size_t>(rows_ * width_);
  }

  Memory<float> kept_;
  int rows_, width_, heads_, layers_;
};

// Keys and values of the tokens so far of one sequence: for each layer and head, text_ctx rows of keys, then as many of values;
// f32 where results must be exact, or f16. Memory is touched only as far as a sequence grows.
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
