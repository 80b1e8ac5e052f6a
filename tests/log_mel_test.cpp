// log_mel against Hugging Face's WhisperFeatureExtractor (tests/data/make-reference) and against a plain transform in double.
#include <complex>
#include <fstream>
#include <numbers>

#include "isa.hpp"
#include "samples.hpp"

using namespace npurt_test;

namespace {

constexpr int64_t kWindow = 480000;

const npurt_plugin& cpu() {
  static const npurt_plugin& plugin = load(NPURT_PLUGIN_DIR "/libnpurt_cpu.so");
  return plugin;
}

std::vector<float> features(const std::vector<float>& audio, int mels, int threads = 2) {
  Stage stage(cpu(), "log_mel");
  stage.options = {{"mels", std::to_string(mels)}, {"threads", std::to_string(threads)}};
  const auto n = static_cast<int64_t>(audio.size());
  stage.open({npurt::Spec(NPURT_F32, {n})}, 1);
  return stage.run({Tensor::of(audio, {n})})[0].as<float>();
}

// Triangles between mel-spaced edges, each of area 1 in Hz (Slaney's Auditory Toolbox).
std::vector<double> filters_of(const std::vector<double>& power, int mels) {
  const auto hz = [](double mel) { return mel < 15 ? mel * 200 / 3 : 1000 * std::pow(6.4, (mel - 15) / 27); };
  const double top = 15 + 27 * std::log(8.0) / std::log(6.4);
  std::vector<double> out;
  for (int m = 0; m < mels; ++m) {
    const double a = hz(top * m / (mels + 1)), b = hz(top * (m + 1) / (mels + 1)), c = hz(top * (m + 2) / (mels + 1));
    double sum = 0;
    for (size_t k = 0; k < power.size(); ++k) {
      const double f = 40.0 * static_cast<double>(k);
      if (f > a && f < c) sum += power[k] * (f < b ? (f - a) / (b - a) : (c - f) / (c - b)) * 2 / (c - a);
    }
    out.push_back(sum);
  }
  return out;
}

std::vector<double> plain(const std::vector<float>& audio, int mels) {
  const auto n = static_cast<int64_t>(audio.size());
  std::vector<double> all;
  for (int64_t t = 0; t < n / 160; ++t) {
    std::vector<double> power;
    for (int k = 0; k <= 200; ++k) {
      std::complex<double> sum = 0;
      for (int i = 0; i < 400; ++i) {
        int64_t at = t * 160 + i - 200;
        at = at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
        const double window = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / 400);
        sum += audio[static_cast<size_t>(at)] * window * std::polar(1.0, -2 * std::numbers::pi * (i * k % 400) / 400);
      }
      power.push_back(std::norm(sum));
    }
    for (double x : filters_of(power, mels)) all.push_back(std::log10(std::max(x, 1e-10)));
  }
  const double top = *std::max_element(all.begin(), all.end());
  for (double& x : all) x = (std::max(x, top - 8) + 4) / 4;
  return all;
}

std::string plan(int64_t samples, const std::string& mels) {
  Stage stage(cpu(), "log_mel");
  stage.options = {{"mels", mels}};
  return stopped([&] { stage.plan({npurt::Spec(NPURT_F32, {samples})}, 1); });
}

}  // namespace

TEST_CASE("log_mel is within 1e-4 of the reference on speech, for 80 and 128 mels") {
  if (lacks_level()) return;
  auto audio = jfk();
  audio.resize(kWindow);
  std::ifstream reference(NPURT_SOURCE_DIR "/tests/data/log_mel.txt");
  size_t mels = 0, stride = 0, count = 0, sets = 0;
  for (; reference >> mels >> stride >> count; ++sets) {
    const auto got = features(audio, static_cast<int>(mels));
    REQUIRE(got.size() == 3000 * mels);
    std::vector<double> wanted(count);
    std::vector<float> strided;
    for (size_t i = 0; i < count; ++i) {
      reference >> wanted[i];
      strided.push_back(got[i * stride]);
    }
    INFO(mels << " mels");
    CHECK(difference(strided, wanted, 1e-4) == "");
  }
  CHECK(sets == 2);
}

TEST_CASE("log_mel is the plain transform, at any length and whatever the threads") {
  if (lacks_level()) return;
  Random random(2);
  for (const int64_t n : {480, 640, 1280, 2720}) {
    auto audio = random.normals(n, 0.1);
    for (int64_t i = 0; i < n; ++i) audio[static_cast<size_t>(i)] += static_cast<float>(std::sin(static_cast<double>(i) * 0.4));
    for (const int mels : {80, 128}) {
      INFO(n << " samples, " << mels << " mels");
      CHECK(difference(features(audio, mels), plain(audio, mels), 1e-5) == "");
      CHECK(features(audio, mels, 1) == features(audio, mels, 3));
    }
  }
}

TEST_CASE("silence has the least that a window can have") {
  if (lacks_level()) return;
  for (float x : features(std::vector<float>(1600), 80)) CHECK(x == Approx(-1.5));  // log10(1e-10), plus 4, over 4
}

TEST_CASE("log_mel says what it does not take") {
  if (lacks_level()) return;
  CHECK(plan(kWindow, "80") == "nothing");
  CHECK(plan(kWindow, "128") == "nothing");
  CHECK(plan(kWindow, "81") == "config: option 'mels' is 81; wanted 80 or 128");
  CHECK(plan(kWindow, "64") == "config: option 'mels' is '64'; wanted a number from 80 to 128");
  CHECK(plan(NPURT_UNKNOWN, "80") == "refuse: needs windows of a known length");
  CHECK(plan(320, "80") == "refuse: a window of 320 samples is not a multiple of 160 from 480 on");
  CHECK(plan(481, "80") == "refuse: a window of 481 samples is not a multiple of 160 from 480 on");
}
