// npu_mel on the virtual NPU against the definition in doubles.
#include <cmath>
#include <numbers>
#include <random>

#include "../plugins/npu/mel/filters.hpp"
#include "catch.hpp"
#include "stage.hpp"

using npurt_test::Stage;
using npurt_test::Tensor;

namespace {

constexpr int kFrame = 400, kHop = 160, kBins = 201;

// A sweep that grows out of silence into noise: loud and quiet bins in one frame, and frames 80 dB apart.
std::vector<float> audio(int samples) {
  std::vector<float> x;
  std::mt19937 chance(9);
  for (int i = 0; i < samples; ++i) {
    const double t = i / 16000.0, noise = static_cast<double>(chance()) / 4294967296.0 - 0.5;
    x.push_back(static_cast<float>(std::exp(8 * (t - 1)) * std::sin(2000 * t * (1 + t)) * 0.5 + 1e-4 * noise));
  }
  return x;
}

std::vector<double> definition(const std::vector<float>& x, int mels) {
  const auto filters = npurt_npu::mel_filters(mels, kBins, 16000);
  const int n = static_cast<int>(x.size());
  std::vector<double> out;
  double top = -10;
  for (int t = 0; t < n / kHop; ++t) {
    double power[kBins];
    for (int b = 0; b < kBins; ++b) {
      double re = 0, im = 0;
      for (int i = 0; i < kFrame; ++i) {
        int at = t * kHop - kFrame / 2 + i;
        at = at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
        const double turn = 2 * std::numbers::pi / kFrame, v = x[at] * (0.5 - 0.5 * std::cos(turn * i));
        re += v * std::cos(turn * (i * b % kFrame)), im -= v * std::sin(turn * (i * b % kFrame));
      }
      power[b] = re * re + im * im;
    }
    for (int m = 0; m < mels; ++m) {
      double sum = 0;
      for (int b = 0; b < kBins; ++b) sum += power[b] * filters[m][b];
      out.push_back(std::log10(std::max(sum, 1e-10)));
      top = std::max(top, out.back());
    }
  }
  for (double& v : out) v = (std::max(v, top - 8) + 4) / 4;
  return out;
}

}  // namespace

TEST_CASE("the features are Whisper's") {
  for (int mels : {80, 128}) {
    const auto x = audio(16000);
    Stage s(npurt_test::load(NPURT_PLUGIN_DIR "/libnpurt_npu_mel.so"), "log_mel");
    s.options = {{"npu", "virtual"}, {"mels", std::to_string(mels)}};
    s.open({npurt::Spec(NPURT_F32, {16000})}, 1);
    const auto got = s.run({Tensor::of(x, {16000})})[0].as<float>();
    const auto want = definition(x, mels);
    REQUIRE(got.size() == want.size());
    double worst = 0;
    for (size_t i = 0; i < got.size(); ++i) worst = std::max(worst, std::fabs(got[i] - want[i]));
    CHECK(worst < 1e-3);
  }
}

TEST_CASE("odd windows, and other numbers of mels, are refused") {
  Stage s(npurt_test::load(NPURT_PLUGIN_DIR "/libnpurt_npu_mel.so"), "log_mel");
  s.options = {{"npu", "virtual"}};
  CHECK_THROWS_WITH(s.plan({npurt::Spec(NPURT_F32, {1000})}, 1), "a window of 1000 samples is not a multiple of 160 from 480 on");
  s.options["mels"] = "100";
  CHECK_THROWS_WITH(s.plan({npurt::Spec(NPURT_F32, {16000})}, 1), "option 'mels' is 100; wanted 80 or 128");
}
