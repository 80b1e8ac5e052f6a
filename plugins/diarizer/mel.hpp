// The speaker encoder's features: 40 mel bands of a power spectrogram, without a logarithm (Resemblyzer audio.py, librosa's
// melspectrogram with n_fft 400, hop 160, Hann, Slaney's filters, zeros beyond the ends).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "packed.hpp"

namespace diarizer {

constexpr int kRate = 16000, kHop = 160, kFrame = 400, kMels = 40;
constexpr double kFramesPerSecond = 100;

// Fed 16 kHz audio in pieces of any size; frame t is centred on sample t * kHop.
class Mel {
 public:
  Mel();
  void reset();
  void push(std::span<const float> audio, int threads);
  void finish(int threads);  // the frames that reach beyond the end
  int64_t frames() const { return static_cast<int64_t>(mel_.size()) / kMels; }
  const std::vector<float>& mel() const { return mel_; }  // [frames, kMels]

 private:
  void advance(int threads);
  void compute(const float* audio, int64_t frames, float* out) const;

  struct Filter {
    int first = 0;
    std::vector<float> weight;
  };
  std::vector<Filter> filters_;
  Packed transform_;  // windowed cosines, then sines
  std::vector<float> audio_, mel_;
};

// Takes the steady noise out of each band: the quietest tenth of 0.15 s means within a minute around, scaled up to a mean, is
// subtracted, and a twentieth of the power is always left (Boll 1979). Speakers then stay nearly as far apart in a noisy room as
// in a quiet one.
void subtract_noise(std::vector<float>& mel);

}  // namespace diarizer
