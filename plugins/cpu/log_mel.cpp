#include <algorithm>
#include <cmath>
#include <numbers>

#include "mel_filters.hpp"
#include "stages.hpp"

namespace npurt_cpu {
namespace {

constexpr int kFrame = 400, kHop = 160, kBins = kFrame / 2 + 1;
constexpr double kRate = 16000;

int64_t reflect(int64_t i, int64_t n) { return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i; }

}  // namespace

void LogMel::plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
  isa();
  int64_t n = in[0].dims[0], mels = static_cast<int64_t>(host.number("mels", 80, 80, 128));
  if (mels != 80 && mels != 128) throw npurt::BadConfig("option 'mels' is " + std::to_string(mels) + "; wanted 80 or 128");
  if (n == NPURT_UNKNOWN) throw npurt::Refuse("needs windows of a known length");
  if (n % kHop || n < kFrame)
    throw npurt::Refuse("a window of " + std::to_string(n) + " samples is not a multiple of 160 from 480 on");
  out[0] = npurt::Spec(NPURT_F32, {n / kHop, mels});
}

LogMel::LogMel(npurt::Host host, npurt::Specs in)
    : samples_(in[0].dims[0]),
      length_(samples_ / kHop),
      mels_(static_cast<int>(host.number("mels", 80, 80, 128))),
      threads_(host.threads()) {
  for (int i = 0; i < kFrame; ++i) {
    double angle = 2 * std::numbers::pi * i / kFrame;
    hann_.push_back(0.5 - 0.5 * std::cos(angle));
    roots_.insert(roots_.end(), {std::cos(angle), -std::sin(angle)});
  }
  for (const auto& f : mel_filters(mels_, kBins, kRate)) {
    auto used = [](double w) { return w > 0; };
    auto first = std::find_if(f.begin(), f.end(), used);
    auto last = std::find_if(f.rbegin(), f.rend(), used).base();
    if (first == f.end()) last = first;
    filters_.push_back({first - f.begin(), {first, last}});
  }
}

// Fills log10 of kLanes frames from `first` on; returns their maximum.
float LogMel::frames(const float* audio, int64_t first, float* out) const {
  alignas(64) double x[kFrame * kLanes], power[kBins * kLanes], mel[kLanes];
  int64_t count = std::min<int64_t>(kLanes, length_ - first);
  for (int64_t l = 0; l < kLanes; ++l) {
    int64_t start = (first + std::min(l, count - 1)) * kHop - kFrame / 2;
    for (int64_t i = 0; i < kFrame; ++i) x[i * kLanes + l] = audio[reflect(start + i, samples_)] * hann_[static_cast<size_t>(i)];
  }
  const Kernels& kernel = kernels();
  kernel.power400(x, roots_.data(), power);
  float top = -10;
  for (int m = 0; m < mels_; ++m) {
    const Filter& f = filters_[static_cast<size_t>(m)];
    kernel.mel(power + f.first * kLanes, f.weight.data(), static_cast<int64_t>(f.weight.size()), mel);
    for (int64_t l = 0; l < count; ++l) {
      float v = static_cast<float>(std::log10(std::max(mel[l], 1e-10)));
      out[(first + l) * mels_ + m] = v;
      top = std::max(top, v);
    }
  }
  return top;
}

void LogMel::run(npurt::Call& call) {
  const float* audio = call.in(0).data();
  auto out = call.out(0);
  float top = -10;
#pragma omp parallel for num_threads(threads_) schedule(static) reduction(max : top)
  for (int64_t first = 0; first < length_; first += kLanes) top = std::max(top, frames(audio, first, out.data()));
  float least = top - 8;
#pragma omp parallel for simd num_threads(threads_) schedule(static)
  for (size_t i = 0; i < out.size(); ++i) out[i] = (std::max(out[i], least) + 4) / 4;
}

}  // namespace npurt_cpu
