// One pass of the text decoder (Radford et al. 2022, section 2.2) over a few rows, each the newest token of some sequence.
#pragma once

#include "cache.hpp"

namespace decoder {

struct Row {
  int token = 0, position = 0;
  SelfCache* self = nullptr;
  const CrossCache* cross = nullptr;
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
  void apply(const Linear& l, const float* x, int64_t m, float* y);
  void attend(const std::vector<Row>& rows, int layer, bool cross);
  void norm(const Norm& n, const float* x, int64_t m, float* y);

  const Model& model_;
  const Kernels& k_;
  int most_, threads_;
  std::vector<float> x_, y_, qkv_, attended_, mlp_, scores_, scale_;
  Memory<float> logits_;  // touched only as far as rows ask for theirs
  std::vector<uint8_t> quantised_;
  std::vector<size_t> slot_;
  std::vector<int> aligned_;  // of each layer and head: its place among the alignment heads, or -1
};

}  // namespace decoder
