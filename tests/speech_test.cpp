// speech_activity and speech_windows: Silero's own numbers, the rules of regions, and what holds for windows of any track.
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

#include "../plugins/vad/packer.hpp"
#include "catch.hpp"
#include "isa.hpp"
#include "stage.hpp"

using namespace npurt_test;
using namespace vad;
using nlohmann::json;

namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

const npurt_plugin& plugin() {
  static const npurt_plugin& p = load(NPURT_PLUGIN_DIR "/libnpurt_vad.so");
  return p;
}

// The embedded model: safetensors, f32.
int32_t silero_weight(const std::string& name, uint32_t, npurt_tensor& out) {
  static const std::string file = read(NPURT_SOURCE_DIR "/graphs/models/silero-vad.safetensors");
  uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  static const json head = json::parse(file.substr(8, length));
  if (!head.contains(name)) return NPURT_REFUSE;
  out = npurt::Host::blank();
  out.spec = npurt::Spec(NPURT_F32, {});
  for (const auto& d : head[name]["shape"]) out.spec.dims[out.spec.rank++] = d;
  const uint64_t begin = head[name]["data_offsets"][0], end = head[name]["data_offsets"][1];
  out.data = const_cast<char*>(file.data()) + 8 + length + begin;
  out.bytes = end - begin;
  return NPURT_OK;
}

std::vector<float> jfk() {
  const std::string wav = read(NPURT_SOURCE_DIR "/graphs/samples/jfk.wav");
  const size_t data = wav.find("data") + 8;
  std::vector<float> x((wav.size() - data) / 2);
  for (size_t i = 0; i < x.size(); ++i) {
    int16_t s = 0;
    std::memcpy(&s, wav.data() + data + 2 * i, 2);
    x[i] = static_cast<float>(s) / 32768;
  }
  return x;
}

// speech_activity over audio that comes in pieces of `piece` samples.
std::vector<float> activity(const std::vector<float>& audio, size_t piece) {
  Stage stage(plugin(), "speech_activity");
  stage.weights = silero_weight;
  stage.open({npurt::Spec(NPURT_F32, {NPURT_UNKNOWN})}, 1);
  std::vector<float> all;
  for (size_t i = 0; i < audio.size(); i += piece) {
    const std::vector<float> part(audio.begin() + static_cast<long>(i),
                                  audio.begin() + static_cast<long>(std::min(audio.size(), i + piece)));
    const auto out = stage.run({Tensor::of(part, {static_cast<int64_t>(part.size())})})[0].as<float>();
    all.insert(all.end(), out.begin(), out.end());
  }
  return all;
}

std::vector<Span> regions_of(const std::vector<float>& track, int64_t total, Rules rules = {}) {
  Regions r(rules);
  std::deque<Span> out;
  r.push(track, out);
  r.finish(total, out);
  return {out.begin(), out.end()};
}

std::vector<Window> windows_of(const std::vector<float>& track, int64_t total, Rules rules, size_t piece) {
  Packer p(rules);
  std::deque<Window> out;
  for (size_t i = 0; i < track.size(); i += piece) p.push(std::span(track).subspan(i, std::min(piece, track.size() - i)), out);
  p.finish(total, out);
  return {out.begin(), out.end()};
}

// `steps` of probability p, appended.
std::vector<float>& add(std::vector<float>& track, float p, int steps) {
  track.insert(track.end(), static_cast<size_t>(steps), p);
  return track;
}

// Speech and pauses of random lengths, with values that waver about both thresholds.
std::vector<float> random_track(std::mt19937& chance, int steps) {
  std::vector<float> track;
  const auto upto = [&](int n) { return static_cast<int>(chance() % static_cast<unsigned>(n)); };
  while (static_cast<int>(track.size()) < steps) {
    const int kind = upto(6), length = kind == 0 ? 1 + upto(1500) : kind == 1 ? 1 + upto(300) : 1 + upto(40);
    const float level = static_cast<float>(upto(100)) / 100, spread = static_cast<float>(upto(50)) / 100;
    for (int i = 0; i < length; ++i)
      track.push_back(std::clamp(level + spread * (static_cast<float>(upto(200)) / 100 - 1), 0.0F, 1.0F));
  }
  track.resize(static_cast<size_t>(steps));
  return track;
}

bool inside(const Span& a, const Span& b) { return a.begin >= b.begin && a.end <= b.end; }

}  // namespace

TEST_CASE("probabilities and regions are those of the Python package silero-vad, however the audio is cut") {
  if (lacks_level()) return;
  const json reference = json::parse(read(NPURT_SOURCE_DIR "/tests/data/silero-jfk.json"));
  const std::vector<float> wanted = reference["probability"], audio = jfk();
  REQUIRE(static_cast<int64_t>(audio.size()) == reference["samples"].get<int64_t>());
  for (size_t piece : {size_t{160000}, size_t{7777}, size_t{100}}) {
    const std::vector<float> got = activity(audio, piece);
    REQUIRE(got.size() == wanted.size());
    for (size_t i = 0; i < got.size(); ++i) {
      INFO("step " << i << ", pieces of " << piece);
      CHECK(std::fabs(got[i] - wanted[i]) < 1e-3);
    }
  }
  json regions = json::array();
  for (const Span& r : regions_of(wanted, static_cast<int64_t>(audio.size()))) regions.push_back({r.begin, r.end});
  CHECK(regions == reference["regions"]);
}

TEST_CASE("regions follow Silero's rules") {
  constexpr int64_t pad = kRate * 30 / 1000;
  std::vector<float> track;
  const auto total = [&] { return static_cast<int64_t>(track.size()) * kStep; };
  const auto is = [&](std::vector<std::pair<int, int>> wanted) {  // in steps, without pads
    const auto got = regions_of(track, total());
    REQUIRE(got.size() == wanted.size());
    for (size_t i = 0; i < got.size(); ++i) {
      CHECK(got[i].begin == std::max<int64_t>(0, wanted[i].first * kStep - pad));
      CHECK(got[i].end == std::min(total(), wanted[i].second * kStep + pad));
    }
  };
  SECTION("0.5 begins a region; between 0.35 and 0.5 it goes on") {
    add(add(add(add(track, 0.49F, 20), 0.5F, 10), 0.36F, 20), 0.1F, 20);
    is({{20, 50}});
  }
  SECTION("less than 250 ms is no speech") {
    add(add(add(add(add(track, 0, 20), 0.9F, 7), 0, 20), 0.9F, 8), 0, 20);
    is({{47, 55}});
  }
  SECTION("pauses under 100 ms do not end a region, longer ones do") {
    add(add(add(add(add(add(track, 0, 10), 0.9F, 10), 0, 4), 0.9F, 10), 0, 5), 0.9F, 10);
    add(track, 0, 10);
    is({{10, 34}, {39, 49}});
  }
  SECTION("a pause counts from its first low step until 0.5 is seen again") {
    add(add(add(add(add(track, 0.9F, 10), 0.1F, 1), 0.4F, 20), 0.1F, 1), 0, 5);
    is({{0, 10}});
  }
  SECTION("speech at the end of the file ends there") {
    add(add(track, 0, 10), 0.9F, 10);
    is({{10, 20}});
  }
}

TEST_CASE("for any track, windows hold each region once, in order, within their length") {
  std::mt19937 chance(20);
  for (int round = 0; round < 300; ++round) {
    Rules rules;
    if (round % 3 == 1) rules.most = (5 + chance() % 25) * kRate;
    if (round % 3 == 2) rules.margin = 0, rules.pad = 0, rules.least = 0;
    const auto track = random_track(chance, 50 + static_cast<int>(chance() % 8000));
    const int64_t total = static_cast<int64_t>(track.size()) * kStep + chance() % kStep;
    const auto regions = regions_of(track, total, rules);
    const auto windows = windows_of(track, total, rules, 1 + chance() % 500);
    INFO("round " << round);
    std::vector<Span> seen;
    int64_t before = 0;
    for (const Window& w : windows) {
      REQUIRE(w.span.begin >= before);
      REQUIRE(w.span.end <= total);
      REQUIRE(w.span.length() > 0);
      REQUIRE(w.span.length() <= rules.most);
      before = w.span.end;
      for (const Span& r : w.regions) {
        REQUIRE(inside(r, w.span));
        seen.push_back(r);
      }
    }
    REQUIRE(seen.size() == regions.size());
    for (size_t i = 0; i < seen.size(); ++i) {
      REQUIRE((seen[i].begin == regions[i].begin && seen[i].end == regions[i].end));
      REQUIRE((i == 0 || seen[i].begin >= seen[i - 1].end));
    }
    // No long run of certain speech is left out, cut or not.
    for (size_t i = 0, run = 0; i < track.size(); ++i) {
      run = track[i] >= rules.on ? run + 1 : 0;
      if (static_cast<int64_t>(run) * kStep <= rules.least) continue;
      const int64_t at = static_cast<int64_t>(i) * kStep;
      REQUIRE(std::any_of(seen.begin(), seen.end(), [&](const Span& r) { return r.begin <= at && at < r.end; }));
    }
  }
}

TEST_CASE("windows do not depend on how the probabilities come, and wait for no more than they need") {
  std::mt19937 chance(3);
  for (int round = 0; round < 20; ++round) {
    const auto track = random_track(chance, 6000);
    const int64_t total = 6000 * kStep;
    const auto a = windows_of(track, total, {}, 6000), b = windows_of(track, total, {}, 7);
    REQUIRE(a.size() == b.size());
    for (size_t i = 0; i < a.size(); ++i) CHECK((a[i].span.begin == b[i].span.begin && a[i].span.end == b[i].span.end));
  }
  for (int round = 0; round < 20; ++round) {
    Packer p{Rules{}};
    std::deque<Window> out;
    int64_t now = 0;
    for (float x : random_track(chance, 6000)) {
      p.push({&x, 1}, out);
      now += kStep;
      REQUIRE(now - p.needed() <= 65 * kRate);  // a window, a pause and an open region
      for (const Window& w : out) REQUIRE(w.span.end <= now);
    }
  }
}

TEST_CASE("a full window is cut at the longest pause of its second half") {
  std::vector<float> track;
  for (int pause : {10, 30, 12, 8}) add(add(track, 0.9F, 200), 0, pause);
  add(add(track, 0.9F, 200), 0, 50);  // 5 times 6.4 s
  const auto w = windows_of(track, static_cast<int64_t>(track.size()) * kStep, {}, 100);
  REQUIRE(w.size() == 2);
  CHECK(w[0].regions.size() == 3);
  CHECK(w[1].regions.size() == 2);
}

TEST_CASE("mode fixed gives the file in windows of 30 s, without looking at speech") {
  Stage stage(plugin(), "speech_windows");
  stage.options = {{"mode", "fixed"}};
  stage.open({npurt::Spec(NPURT_F32, {NPURT_UNKNOWN}), npurt::Spec(NPURT_F32, {NPURT_UNKNOWN})}, 2);
  std::vector<float> audio(75 * kRate);
  for (size_t i = 0; i < audio.size(); ++i) audio[i] = static_cast<float>(i);
  std::vector<json> at;
  std::vector<float> heard;
  const auto take = [&](const std::vector<Tensor>& in, bool end) {
    do {
      const auto out = stage.run(in, end, 2);
      if (!stage.emitted()) continue;
      at.push_back(json::parse(out[1].text()));
      const auto x = out[0].as<float>();
      REQUIRE(x.size() == 480000);
      heard.insert(heard.end(), x.begin(), x.begin() + at.back()["samples"].get<long>());
      REQUIRE(std::all_of(x.begin() + at.back()["samples"].get<long>(), x.end(), [](float v) { return v == 0; }));
    } while (stage.wants_again());
  };
  for (size_t i = 0; i < audio.size(); i += 100000) {
    const std::vector<float> part(audio.begin() + static_cast<long>(i),
                                  audio.begin() + static_cast<long>(std::min(audio.size(), i + 100000)));
    take({Tensor::of(part, {static_cast<int64_t>(part.size())}), Tensor::of(std::vector<float>{}, {0})}, false);
  }
  take({}, true);
  CHECK(heard == audio);
  REQUIRE(at.size() == 3);
  CHECK(at[2]["start"] == 60.0);
  CHECK(at[2]["samples"] == 15 * kRate);
}
