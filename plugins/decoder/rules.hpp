// Which tokens may come next: suppress lists and timestamp rules, as openai/whisper decoding.py has them.
#pragma once

#include "model.hpp"

namespace decoder {

// Far below any logit, yet finite: the kernels are built for finite numbers.
constexpr float kNever = -1e30F;

class Rules {
 public:
  // `timestamps` off: none may be made. On: in pairs, never going back, the first within 1 s.
  Rules(const Facts& facts, bool timestamps);
  // Masks `logits` f32[vocab] for the token after `made` (tokens made so far, without the prompt). Until timestamp `heard` (in
  // its steps of 0.02 s) a transcript that has begun does not end with a segment: speech is left.
  void apply(float* logits, const std::vector<int>& made, int heard) const;

 private:
  const Facts& facts_;
  bool timestamps_;
  std::vector<int> always_;
};

}  // namespace decoder
