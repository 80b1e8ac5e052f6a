#include <algorithm>
#include <cmath>
#include <npurt/plugin.hpp>

// Scales each packet of audio so that its loudest sample is `peak` (default 0.9).
//
//   louder: {op: normalize, in: wav.audio, use: example, with: {peak: 0.5}}
class Normalize {
 public:
  static constexpr auto op = "normalize";
  static constexpr auto signature = "audio f32[S] -> audio f32[S]";
  static constexpr auto device = "cpu";

  static void plan(npurt::Host, npurt::Specs in, npurt::Outs out) { out[0] = in[0]; }

  explicit Normalize(npurt::Host host) : peak_(static_cast<float>(host.number("peak", 0.9, 0.0, 1.0))) {}

  void run(npurt::Call& call) {
    auto in = call.in(0);
    auto out = call.resize(0, {static_cast<int64_t>(in.size())});
    float top = 0;
    for (float x : in) top = std::max(top, std::fabs(x));
    if (!std::isfinite(top)) throw npurt::Fault("the audio holds NaN or Inf");
    const float gain = top > 0 ? peak_ / top : 1.0F;
    std::transform(in.begin(), in.end(), out.begin(), [gain](float x) { return gain * x; });
  }

 private:
  float peak_;
};

NPURT_PLUGIN("example", "1.0.0", Normalize)
