#pragma once

#include <vector>

struct soxr;

namespace audio {

// Streaming conversion of one channel between sample rates: soxr at its "HQ" quality. Equal rates pass through.
class Resampler {
 public:
  Resampler(double from, double to);
  ~Resampler();
  Resampler(const Resampler&) = delete;
  // Appends what `in` makes; an empty `in` ends the stream and gives the rest.
  void push(const std::vector<float>& in, std::vector<float>& out);

 private:
  soxr* soxr_ = nullptr;
  double ratio_;
};

}  // namespace audio
