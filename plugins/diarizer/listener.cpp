#include "listener.hpp"

#include <algorithm>
#include <cmath>

namespace diarizer {

namespace {
constexpr int64_t kSpeechStep = 512;
}

bool narrow_band(const std::vector<float>& mel, const std::vector<Span>& regions) {
  constexpr int kHigh = 32;  // the first band above 4 kHz
  double high = 0, all = 0;
  for (const Span& r : regions) {
    const size_t end = std::min(mel.size() / kMels, static_cast<size_t>(r.end * kFramesPerSecond));
    for (size_t i = static_cast<size_t>(r.begin * kFramesPerSecond); i < end; ++i)
      for (size_t b = 0; b < kMels; ++b) {
        const double power = mel[i * kMels + b];
        all += power;
        if (b >= kHigh) high += power;
      }
  }
  return high < 1e-4 * all;
}

Listener::Listener(npurt::Host host) : threads_(host.threads()), encoder_(host) {}

void Listener::push(npurt::Call& call) {
  if (call.index() == 0) {
    mel_.reset();
    samples_ = 0;
    energy_.clear();
    speech_.clear();
  }
  const auto audio = call.in(0), speech = call.in(1);
  mel_.push(audio, threads_);
  speech_.insert(speech_.end(), speech.begin(), speech.end());
  for (float x : audio) {
    if (samples_ % kSpeechStep == 0) energy_.push_back(0);
    energy_.back() += static_cast<double>(x) * x;
    ++samples_;
  }
}

// Brings speech to -25 dBFS, the level of the recordings that the encoder was trained on: its features have no logarithm.
float Listener::gain(const std::vector<Span>& regions) const {
  constexpr double kTarget = 0.0031622777;  // power
  double sum = 0;
  int64_t steps = 0;
  for (const Span& r : regions) {
    const auto at = [](double t) { return static_cast<size_t>(std::lround(t * kRate / kSpeechStep)); };
    for (size_t i = at(r.begin); i < std::min(at(r.end), energy_.size()); ++i, ++steps) sum += energy_[i];
  }
  return sum > 0 ? static_cast<float>(kTarget * static_cast<double>(steps * kSpeechStep) / sum) : 1.0F;
}

Heard Listener::finish(npurt::Host host) {
  mel_.finish(threads_);
  Heard heard;
  heard.seconds = static_cast<double>(samples_) / kRate;
  heard.regions = speech_regions(speech_);
  heard.windows = place_windows(heard.regions);
  std::vector<float> mel = mel_.mel();
  heard.narrow = narrow_band(mel, heard.regions);
  subtract_noise(mel);
  const float level = gain(heard.regions);
  heard.windows.embeddings = encoder_.embed(host, mel, level, heard.windows.centres, threads_);
  for (int64_t centre : heard.windows.centres) {
    const int64_t from = std::max<int64_t>(0, centre - kStep / 2), to = std::min(mel_.frames(), centre + kStep / 2);
    float sum = 0;
    for (int64_t i = from * kMels; i < to * kMels; ++i) sum += mel[static_cast<size_t>(i)];
    heard.windows.loudness.push_back(std::log(level * sum / static_cast<float>(std::max<int64_t>(1, to - from)) + 1e-9F));
  }
  mel_.reset();
  return heard;
}

}  // namespace diarizer
