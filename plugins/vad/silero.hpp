// Silero VAD v6 at 16 kHz (github.com/snakers4/silero-vad, MIT): the network, run over many windows at once.
#pragma once

#include <npurt/plugin.hpp>
#include <vector>

#include "rows.hpp"

namespace vad {

class Silero {
 public:
  static constexpr int kWindow = 512, kContext = 64;  // samples of a step, and of the step before that it sees too

  explicit Silero(npurt::Host host);
  void reset();
  // `audio` holds kContext samples of history and then steps * kWindow more; writes the probability of speech of each step.
  void run(const float* audio, int steps, int threads, float* probability);

 private:
  struct Conv {
    Rows rows;  // [out][3][in]: time-major, as the activations are
    int in = 0, out = 0, stride = 1;
  };
  Conv conv(npurt::Host host, const std::string& name, int stride);
  void features(const float* audio, int steps, float* out) const;

  Rows stft_, ih_, hh_;
  const float *final_, *final_bias_;
  std::vector<Conv> convs_;
  std::vector<float> h_, c_, features_, gates_, recurrent_;
};

}  // namespace vad
