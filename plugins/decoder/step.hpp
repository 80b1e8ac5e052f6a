// One pass of the text decoder (Radford et al. 2022, section 2.2) over a few rows, each the newest token of some sequence.
#pragma once

#include "audio.hpp"
#include "cache.hpp"

namespace decoder {

// What a window's audio left behind: `exact` of f32 models, `audio` of int8 ones.
struct WindowCache {
  std::unique_ptr<CrossCache> exact;
  std::unique_ptr<AudioCache> audio;
};

struct Row {
  int token = 0, position = 0;
  SelfCache* self = nullptr;
  const WindowCache* window = nullptr;
  bool logits = false;     // whether this row's logits are wanted
  float* heard = nullptr;  // f32[alignment heads, audio_ctx] for what each attends to, up to a factor; null: not wanted
};

class Step {
 public:
  // Memory for at most `rows` rows at once is taken here; run() allocates nothing.
  Step(const Model& model, int rows, int threads);
  // Stores each row's key and value in its cache, then attends: rows of one sequence may come together, in order of position.
  void run(const std::vector<Row>& rows);
  // f32[vocab] of the row that had index `row` in the last run; only if it asked for logits.
  float* logits(size_t row) { return logits_.get() + slot_[row] * static_cast<size_t>(model_.facts.vocab); }
  int most_rows() const { return most_; }

 private:
  // What follows is called by all threads of a team; each loop over rows or jobs is shared among them.
  void layers(const std::vector<Row>& rows, int64_t m, int64_t wanted);
  void ready(int64_t i, const float* x, int64_t cols);
  void advance(int64_t i, bool add, const Norm& n, int64_t to);
  template <typename F>
  void apply(const Linear& l, const float* x, int64_t m, float* y, F then);
  void apply(const Linear& l, const float* x, int64_t m, float* y);
  void attend_self(const std::vector<Row>& rows, int layer);
  void attend_exact(const std::vector<Row>& rows, int layer);
  void attend_audio(const std::vector<Row>& rows, int layer);
  float* scores();
  float* heard_by(const Row& row, int layer, int head) const;

  const Model& model_;
  const Kernels& k_;
  int most_, threads_;
  // Of rows, and touched only as far as there are rows: the residual stream, and what goes into and comes out of matrices.
  Memory<float> x_, y_, attended_, wide_, logits_;
  Memory<uint8_t> quantised_;
  std::vector<float> scale_;
  std::vector<size_t> slot_;
  // Of attend_audio: for each row and head its query, and what it found in each part; and per thread.
  Memory<uint8_t> queries_;
  Memory<float> sums_;
  std::vector<float> query_scales_, tops_, totals_, scores_;
  std::vector<AudioCache::Scratch> scratch_;
  std::vector<int> aligned_;  // of each layer and head: its place among the alignment heads, or -1
};

}  // namespace decoder
