// Cross-attention of int8 models, without keys and values: what is kept of a window is the encoder's output itself, in bytes. A
// score q·(K e) is (Kᵀ q)·e, and a sum of values Σ p (V e) is V (Σ p e): queries go through the key matrix, and sums through the
// value matrix (DeepSeek-V2, arXiv 2405.04434, section 2.1.2, "absorbed"). All layers and heads then read the same 2 * state
// bytes of a row (it is kept by rows for scores, by columns for sums), which stay in the processor's cache, where keys and values
// are `layers` times as many and come from memory.
#pragma once

#include "model.hpp"

namespace decoder {

class AudioCache {
 public:
  explicit AudioCache(const Facts& f);
  // encoder is f32[audio_ctx, state]; each of the threads works in kPart * state of `levels`.
  void fill(const float* encoder, int8_t* levels, int threads);

  // Rows are attended to in parts, so that threads can share a window.
  static constexpr int kPart = 384;
  static int parts(const Facts& f) { return (f.audio_ctx + kPart - 1) / kPart; }
  // What a thread needs while it attends, and what Step needs for the products before and after: three rows more of sums, two
  // more of weights.
  struct Scratch {
    explicit Scratch(const Facts& f);
    std::vector<float> scores, scales, sums;
    std::vector<uint8_t> weights;
  };
  // What all heads find in one part: Σ exp(score - top) * row as [heads, state], and Σ exp(score - top), of each head.
  struct Found {
    float *sums, *top, *total;
  };
  // queries are the heads' Kᵀ q, as bytes [heads, state]; scores are left in the scratch as exp(score - top), [heads, kPart].
  void attend(int part, const uint8_t* queries, const float* query_scales, Scratch& scratch, const Found& found) const;

 private:
  int rows_, padded_, state_, heads_;
  Memory<int8_t> by_row_, by_column_;  // the columns part by part
  std::vector<int32_t> row_offsets_, column_offsets_;
  std::vector<float> scales_, column_sums_, zeros_, ones_;
};

}  // namespace decoder
