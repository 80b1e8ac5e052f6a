#include <algorithm>
#include <cmath>
#include <npurt/plugin.hpp>
#include <numbers>
#include <vector>

#include "../self_test.hpp"
#include "../split_product.hpp"
#include "../tell.hpp"
#include "filters.hpp"

namespace npurt_npu {
namespace {

constexpr int64_t kFrame = 400, kHop = 160, kBins = kFrame / 2 + 1;
constexpr double kRate = 16000;
constexpr float kLeast = 1e-10F;

int64_t mels_of(npurt::Host host) {
  const auto mels = static_cast<int64_t>(host.number("mels", 80, 80, 128));
  if (mels != 80 && mels != 128) throw npurt::BadConfig("option 'mels' is " + std::to_string(mels) + "; wanted 80 or 128");
  return mels;
}

Device& tested_device(npurt::Host host) {
  try {
    Device& device = device_of(host);
    self_test(device, gemm_bf16());
    return device;
  } catch (const DeviceError& e) {
    throw npurt::Refuse(e.what());
  }
}

}  // namespace

// Whisper's features of 16 kHz audio [N], N a multiple of 160: time-major f32[N/160, mels]. Reflect-padded frames of 400 samples
// every 160, periodic Hann window, power, Slaney mel filters, log10 (at least 1e-10), at least the window's maximum - 8,
// then (x + 4) / 4. Radford et al. 2022, arXiv:2212.04356, section 2.2. `mels` is 80 or 128.
//
// Two launches: frames times the windowed DFT matrix, and power times the filters. Squaring and the logarithm are the host's.
class LogMel {
 public:
  static constexpr auto op = "log_mel";
  static constexpr auto signature = "audio f32[N%160] -> features f32[T,M]";
  static constexpr auto device = "npu";

  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
    const int64_t n = in[0].dims[0], mels = mels_of(host);
    if (n == NPURT_UNKNOWN) throw npurt::Refuse("needs windows of a known length");
    if (n % kHop || n < kFrame)
      throw npurt::Refuse("a window of " + std::to_string(n) + " samples is not a multiple of 160 from 480 on");
    tested_device(host);
    out[0] = npurt::Spec(NPURT_F32, {n / kHop, mels});
  }

  LogMel(npurt::Host host, npurt::Specs in) try
      : samples_(in[0].dims[0]),
        length_(samples_ / kHop),
        mels_(mels_of(host)),
        filters_(mel_filters(static_cast<int>(mels_), kBins, kRate)),
        dft_(tested_device(host), static_cast<uint64_t>(length_), kFrame, 2 * kBins),
        bank_(tested_device(host), static_cast<uint64_t>(length_), kBins, static_cast<uint64_t>(mels_)) {
    for (int64_t i = 0; i < kFrame; ++i) {
      const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / kFrame);
      for (int64_t b = 0; b < kBins; ++b) {
        const double angle = 2 * std::numbers::pi * static_cast<double>(i * b % kFrame) / kFrame;
        dft_.set_weight(static_cast<uint64_t>(i), static_cast<uint64_t>(b), static_cast<float>(hann * std::cos(angle)));
        dft_.set_weight(static_cast<uint64_t>(i), static_cast<uint64_t>(kBins + b), static_cast<float>(-hann * std::sin(angle)));
      }
    }
    for (int64_t b = 0; b < kBins; ++b)
      for (int64_t m = 0; m < mels_; ++m)
        bank_.set_weight(static_cast<uint64_t>(b), static_cast<uint64_t>(m),
                         filters_[static_cast<size_t>(m)][static_cast<size_t>(b)]);
    dft_.finish_weights();
    bank_.finish_weights();
    power_.resize(static_cast<size_t>(length_ * kBins));
    const char* split = "frames and power: each f32 to two bf16; products: rows of f32";
    tell_plan(host, dft_.work(), split);
    tell_plan(host, bank_.work(), split);
  } catch (const DeviceError& e) {
    throw npurt::Refuse(e.what());
  }

  void run(npurt::Call& call) {
    const float* audio = call.in(0).data();
    auto out = call.out(0);
    if (!std::all_of(audio, audio + samples_, [](float x) { return std::isfinite(x); }))
      throw npurt::Fault("the audio holds NaN or Inf");
    try {
      const Outcome dft = dft_.run(
          [&](uint64_t t, float* frame) {
            const int64_t start = static_cast<int64_t>(t) * kHop - kFrame / 2;
            for (int64_t i = 0; i < kFrame; ++i) frame[i] = audio[reflect(start + i)];
          },
          [&](uint64_t t, const float* c) {
            float* p = power_.data() + t * kBins;
            for (int64_t b = 0; b < kBins; ++b) p[b] = c[b] * c[b] + c[kBins + b] * c[kBins + b];
          });
      const Outcome bank =
          bank_.run([&](uint64_t t, float* row) { std::copy_n(power_.data() + t * kBins, kBins, row); },
                    [&](uint64_t t, const float* c) { std::copy_n(c, mels_, out.data() + static_cast<int64_t>(t) * mels_); });
      tell_run(call.host(), dft_.work(), dft);
      tell_run(call.host(), bank_.work(), bank);
    } catch (const DeviceError& e) {
      throw npurt::Fault(e.what());
    }
    check(audio, out.data());
    float top = -10;
    for (float& x : out) {
      x = std::log10(std::max(x, kLeast));
      top = std::max(top, x);
    }
    for (float& x : out) x = (std::max(x, top - 8) + 4) / 4;
  }

 private:
  int64_t reflect(int64_t i) const { return i < 0 ? -i : i >= samples_ ? 2 * (samples_ - 1) - i : i; }

  // Computes one frame again, another one at each run: the answer to a device that went wrong after its test.
  void check(const float* audio, const float* mel) {
    const int64_t t = (turn_ += 7919) % length_;
    std::vector<double> power;
    double all = 0;
    for (int64_t b = 0; b < kBins; ++b) {
      double re = 0, im = 0;
      for (int64_t i = 0; i < kFrame; ++i) {
        const double turn = 2 * std::numbers::pi / kFrame, x = audio[reflect(t * kHop - kFrame / 2 + i)];
        const double hann = 0.5 - 0.5 * std::cos(turn * static_cast<double>(i));
        re += x * hann * std::cos(turn * static_cast<double>(i * b % kFrame));
        im += x * hann * std::sin(turn * static_cast<double>(i * b % kFrame));
      }
      power.push_back(re * re + im * im);
      all += power.back();
    }
    for (int64_t m = 0; m < mels_; ++m) {
      double want = 0;
      for (int64_t b = 0; b < kBins; ++b)
        want += power[static_cast<size_t>(b)] * filters_[static_cast<size_t>(m)][static_cast<size_t>(b)];
      if (!(std::fabs(mel[t * mels_ + m] - want) <= 1e-3 * want + 1e-6 * all)) throw npurt::Fault("the NPU gave wrong features");
    }
  }

  int64_t samples_, length_, mels_;
  std::vector<std::vector<float>> filters_;
  SplitProduct dft_, bank_;
  std::vector<float> power_;
  int64_t turn_ = 0;
};

}  // namespace npurt_npu

NPURT_PLUGIN("npu_mel", "1.0.0", npurt_npu::LogMel)
