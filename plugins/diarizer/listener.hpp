// What diarize and embed_speaker do alike: hear a file, and embed the windows of its speech.
#pragma once

#include "encoder.hpp"
#include "mel.hpp"
#include "speakers.hpp"

namespace diarizer {

struct Heard {
  double seconds = 0;   // of audio
  bool narrow = false;  // speech without the upper half of its band, as telephones carry it
  std::vector<Span> regions;
  Windows windows;
};

// Whether the speech above 4 kHz is 40 dB below the whole: it is by 45 to 63 dB through a telephone, and by 15 to 35 otherwise.
// mel is [frames, kMels].
bool narrow_band(const std::vector<float>& mel, const std::vector<Span>& regions);

class Listener {
 public:
  explicit Listener(npurt::Host host);
  // Input 0 is audio f32[S] at 16 kHz, input 1 the probability of speech of every 512 samples.
  void push(npurt::Call& call);
  // After the last packet; leaves the listener ready for another file.
  Heard finish(npurt::Host host);

 private:
  float gain(const std::vector<Span>& regions) const;

  int threads_;
  Encoder encoder_;
  Mel mel_;
  int64_t samples_ = 0;
  std::vector<double> energy_;  // sum of squares of every 512 samples
  std::vector<float> speech_;
};

}  // namespace diarizer
