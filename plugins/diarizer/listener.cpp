#include "listener.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace diarizer {

namespace {
constexpr int64_t kSpeechStep = 512;
}

double blur(const std::vector<float>& mel, const std::vector<Span>& regions) {
  constexpr size_t kHigh = 32;                                     // the first band above 4 kHz
  constexpr double kNarrow = 1e-4, kQuiet = 0.1, kSilence = 1e-6;  // shares: of the power, of the frames, of a mean
  constexpr double kTelephone = 25, kClear = 33;                   // dB
  double high = 0, all = 0, depth = 0;
  std::vector<float> band;
  for (size_t b = 0; b < kMels; ++b) {
    band.clear();
    for (const Span& r : regions) {
      const size_t end = std::min(mel.size() / kMels, static_cast<size_t>(r.end * kFramesPerSecond));
      for (size_t i = static_cast<size_t>(r.begin * kFramesPerSecond); i < end; ++i) band.push_back(mel[i * kMels + b]);
    }
    if (band.empty()) return 0;
    const double power = std::accumulate(band.begin(), band.end(), 0.0), mean = power / static_cast<double>(band.size());
    all += power;
    if (b >= kHigh) high += power;
    const auto quiet = band.begin() + static_cast<std::ptrdiff_t>(kQuiet * static_cast<double>(band.size() - 1));
    std::nth_element(band.begin(), quiet, band.end());
    if (mean > 0) depth -= 10 * std::log10(std::max(static_cast<double>(*quiet) / mean, kSilence)) / kMels;
  }
  return std::max({kClear - depth, high < kNarrow * all ? kTelephone : 0.0, 0.0});
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
  heard.blur = blur(mel, heard.regions);
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
