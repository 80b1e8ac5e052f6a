#include "mel.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace diarizer {

namespace {

constexpr int kBins = kFrame / 2 + 1;
constexpr int64_t kBatch = 256;  // frames per call of the product

// Slaney's scale: linear up to 1 kHz (15 mel), then 27 mel for each factor 6.4.
double hz_of(double mel) { return mel < 15 ? mel * 200 / 3 : 1000 * std::exp((mel - 15) * std::log(6.4) / 27); }
double mel_of(double hz) { return hz < 1000 ? hz * 3 / 200 : 15 + std::log(hz / 1000) / std::log(6.4) * 27; }

}  // namespace

Mel::Mel() {
  std::vector<float> waves(static_cast<size_t>(2 * kBins) * kFrame);
  for (int b = 0; b < kBins; ++b)
    for (int i = 0; i < kFrame; ++i) {
      const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / kFrame);
      const double angle = 2 * std::numbers::pi * (static_cast<long>(b) * i % kFrame) / kFrame;
      waves[static_cast<size_t>(b * kFrame + i)] = static_cast<float>(hann * std::cos(angle));
      waves[static_cast<size_t>((kBins + b) * kFrame + i)] = static_cast<float>(hann * std::sin(angle));
    }
  transform_ = Packed(waves.data(), 2 * kBins, kFrame);
  double edge[kMels + 2];
  for (int m = 0; m < kMels + 2; ++m) edge[m] = hz_of(mel_of(kRate / 2.0) * m / (kMels + 1));
  for (int m = 0; m < kMels; ++m) {
    Filter f;
    for (int b = 0; b < kBins; ++b) {
      const double hz = kRate / 2.0 * b / (kBins - 1);
      const double w = std::min((hz - edge[m]) / (edge[m + 1] - edge[m]), (edge[m + 2] - hz) / (edge[m + 2] - edge[m + 1]));
      if (w <= 0) continue;
      if (f.weight.empty()) f.first = b;
      f.weight.push_back(static_cast<float>(w * 2 / (edge[m + 2] - edge[m])));
    }
    filters_.push_back(std::move(f));
  }
  reset();
}

void Mel::reset() {
  audio_.assign(kFrame / 2, 0.0F);
  mel_.clear();
}

void Mel::push(std::span<const float> audio, int threads) {
  audio_.insert(audio_.end(), audio.begin(), audio.end());
  advance(threads);
}

void Mel::finish(int threads) {
  audio_.insert(audio_.end(), kFrame / 2, 0.0F);
  advance(threads);
}

void Mel::advance(int threads) {
  const int64_t ready = (static_cast<int64_t>(audio_.size()) - kFrame) / kHop + 1;
  if (ready <= 0) return;
  const size_t had = mel_.size();
  mel_.resize(had + static_cast<size_t>(ready * kMels));
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t first = 0; first < ready; first += kBatch)
    compute(audio_.data() + first * kHop, std::min(kBatch, ready - first),
            mel_.data() + had + static_cast<size_t>(first * kMels));
  audio_.erase(audio_.begin(), audio_.begin() + ready * kHop);
}

void Mel::compute(const float* audio, int64_t frames, float* out) const {
  std::vector<float> spectrum(static_cast<size_t>(frames * transform_.width()));
  transform_.add(audio, frames, kHop, spectrum.data(), transform_.width());
  float power[kBins];
  for (int64_t t = 0; t < frames; ++t) {
    const float* s = spectrum.data() + t * transform_.width();
    for (int b = 0; b < kBins; ++b) power[b] = s[b] * s[b] + s[kBins + b] * s[kBins + b];
    for (int m = 0; m < kMels; ++m) {
      const Filter& f = filters_[static_cast<size_t>(m)];
      float sum = 0;
      for (size_t i = 0; i < f.weight.size(); ++i) sum += f.weight[i] * power[static_cast<size_t>(f.first) + i];
      out[t * kMels + m] = sum;
    }
  }
}

void subtract_noise(std::vector<float>& mel) {
  constexpr int64_t kSmooth = 15, kStep = 3000, kAround = 3000;  // frames
  constexpr float kQuiet = 0.1F, kToMean = 1.2F, kLeft = 0.05F;
  const int64_t frames = static_cast<int64_t>(mel.size()) / kMels;
  std::vector<double> sums(static_cast<size_t>(frames) + 1);
  std::vector<float> part;
  for (int m = 0; m < kMels; ++m) {
    for (int64_t t = 0; t < frames; ++t)
      sums[static_cast<size_t>(t) + 1] = sums[static_cast<size_t>(t)] + mel[static_cast<size_t>(t * kMels + m)];
    for (int64_t from = 0; from < frames; from += kStep) {
      const int64_t to = std::min(frames, from + kStep), a = std::max<int64_t>(0, from - kAround / 2),
                    b = std::min(frames, to + kAround / 2);
      part.clear();
      for (int64_t t = a; t < b; ++t) {
        const int64_t low = std::max<int64_t>(0, t - kSmooth / 2), high = std::min(frames, t + kSmooth / 2 + 1);
        part.push_back(static_cast<float>((sums[static_cast<size_t>(high)] - sums[static_cast<size_t>(low)]) / kSmooth));
      }
      const auto quiet = part.begin() + static_cast<std::ptrdiff_t>(kQuiet * static_cast<float>(part.size() - 1));
      std::nth_element(part.begin(), quiet, part.end());
      const float noise = *quiet * kToMean;
      for (int64_t t = from; t < to; ++t) {
        float& x = mel[static_cast<size_t>(t * kMels + m)];
        x = std::max(x - noise, kLeft * x);
      }
    }
  }
}

}  // namespace diarizer
