// What diarize and embed_speaker do alike: hear a file, and embed the windows of its speech.
#pragma once

#include "encoder.hpp"
#include "mel.hpp"
#include "speakers.hpp"

namespace diarizer {

struct Heard {
  double seconds = 0;  // of audio
  double blur = 0;     // dB, as blur() has it
  std::vector<Span> regions;
  Windows windows;
};

// How much nearer voices are to each other than in a quiet recording, as if by so many dB of noise. Noise and reverberation fill
// the dips of speech: the quietest tenth of each band is then not 33 dB below its mean; this is what is missing, in the mean over
// bands. Speech through a telephone counts as 25 dB: its power above 4 kHz is 45 to 63 dB below the whole, otherwise 15 to 35.
// mel is [frames, kMels].
double blur(const std::vector<float>& mel, const std::vector<Span>& regions);

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
