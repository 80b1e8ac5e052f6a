// Clustering, the Viterbi pass, turns and the kernels, on embeddings whose speakers are known.
#include <cmath>
#include <cstdlib>
#include <random>

#include "../plugins/diarizer/cluster.hpp"
#include "../plugins/diarizer/encoder.hpp"
#include "../plugins/diarizer/listener.hpp"
#include "../plugins/diarizer/overlap.hpp"
#include "../plugins/diarizer/speakers.hpp"
#include "catch.hpp"

using namespace diarizer;

namespace diarizer {
extern const Kernels kernels_base, kernels_avx2, kernels_avx512, kernels_vnni;
}

namespace {

// Windows every 0.4 s of one long region; window i belongs to speaker who[i], whose embeddings scatter around an axis.
Windows scattered(const std::vector<int>& who) {
  std::mt19937 random(7);
  std::normal_distribution<float> noise(0, 0.045F);
  Windows w;
  for (size_t i = 0; i < who.size(); ++i) {
    w.centres.push_back(static_cast<int64_t>(i) * kStep);
    w.regions.push_back(0);
    std::vector<float> e(kEmbedding);
    for (float& x : e) x = noise(random);
    e[static_cast<size_t>(who[i])] += 1;
    normalise(e.data());
    w.embeddings.insert(w.embeddings.end(), e.begin(), e.end());
  }
  return w;
}

std::vector<int> blocks(const std::vector<std::pair<int, int>>& runs) {
  std::vector<int> who;
  for (auto [speaker, n] : runs) who.insert(who.end(), static_cast<size_t>(n), speaker);
  return who;
}

int count(const std::vector<float>& speakers) { return static_cast<int>(speakers.size()) / kEmbedding; }

const std::vector<int> kThree = blocks({{0, 12}, {1, 10}, {0, 8}, {2, 12}, {1, 9}});

}  // namespace

TEST_CASE("merges come nearest first, at the distance of the means, which counts for less between few vectors") {
  // Unit vectors at 0, 10, 90 and 100 degrees.
  std::vector<float> x(4 * 8);
  const double degrees[] = {0, 10, 90, 100};
  for (size_t i = 0; i < 4; ++i) {
    x[i * 8] = static_cast<float>(std::cos(degrees[i] * M_PI / 180));
    x[i * 8 + 1] = static_cast<float>(std::sin(degrees[i] * M_PI / 180));
  }
  const auto merges = cluster(x, 4, 8, 1);
  REQUIRE(merges.size() == 3);
  CHECK(merges[1].distance == Approx((1 - std::cos(10 * M_PI / 180)) / 17).margin(1e-6));
  CHECK(merges[2].distance == Approx(1.0 / 9).margin(1e-6));  // means at 5 and 95 degrees, of two each
  CHECK(cut(merges, 4, 0.05F) == std::vector<int>{0, 0, 1, 1});
  CHECK(cut(merges, 4, 0.5F) == std::vector<int>{0, 0, 0, 0});
  CHECK(cut(merges, 4, 0.0001F) == std::vector<int>{0, 1, 2, 3});
  CHECK(branches(merges, 4, 1).size() == 2);
  auto all = branches(merges, 4, 3);
  for (auto& members : all) std::sort(members.begin(), members.end());
  std::sort(all.begin(), all.end());
  CHECK(all == std::vector<std::vector<int>>{{0}, {0, 1}, {1}, {2}, {2, 3}, {3}});
  std::vector<float> many;
  for (int i = 0; i < 800; ++i) many.insert(many.end(), x.begin() + i % 2 * 8, x.begin() + i % 2 * 8 + 8);
  CHECK(cluster(many, 800, 8, 1).back().distance == Approx((1 - std::cos(10 * M_PI / 180)) / 1.04).margin(1e-5));
}

TEST_CASE("speakers are counted, and every window is given its own") {
  const Windows w = scattered(kThree);
  const auto speakers = find_speakers(w, {}, 1);
  REQUIRE(count(speakers) == 3);
  const auto labels = label(w, speakers);
  for (size_t i = 0; i < kThree.size(); ++i)
    for (size_t j = 0; j < kThree.size(); ++j) CHECK((labels[i] == labels[j]) == (kThree[i] == kThree[j]));
}

TEST_CASE("bounds on the number of speakers are kept") {
  const Windows w = scattered(kThree);
  for (int n : {1, 2, 3, 5}) {
    Bounds b;
    b.least = b.most = n;
    CHECK(count(find_speakers(w, b, 1)) == n);
  }
  Bounds most;
  most.most = 2;
  CHECK(count(find_speakers(w, most, 1)) == 2);
  Bounds least;
  least.least = 4;
  CHECK(count(find_speakers(w, least, 1)) == 4);
  CHECK(find_speakers(Windows{}, {}, 1).empty());
  Windows one = scattered({0});
  CHECK(count(find_speakers(one, least, 1)) == 1);
  one.embeddings.insert(one.embeddings.end(), one.embeddings.begin(), one.embeddings.begin() + kEmbedding);
  one.centres.push_back(kStep);
  one.regions.push_back(0);
  CHECK(count(find_speakers(one, least, 1)) == 1);  // nobody else is there
}

TEST_CASE("of as many speakers as are given, one may speak too shortly to be counted") {
  const auto who = blocks({{0, 14}, {2, 3}, {1, 12}, {0, 10}});
  const Windows w = scattered(who);
  REQUIRE(count(find_speakers(w, {}, 1)) == 2);
  Bounds three;
  three.least = three.most = 3;
  const auto labels = label(w, find_speakers(w, three, 1));
  for (size_t i = 0; i < who.size(); ++i)
    for (size_t j = 0; j < who.size(); ++j) CHECK((labels[i] == labels[j]) == (who[i] == who[j]));
}

TEST_CASE("a stray window does not interrupt a turn") {
  std::vector<int> who = blocks({{0, 12}, {1, 12}});
  who[5] = 1;
  const Windows w = scattered(who);
  std::vector<float> speakers(2 * kEmbedding);
  speakers[0] = speakers[kEmbedding + 1] = 1;
  // One window at odds costs less than two changes only while it is not sure of itself.
  Windows doubtful = w;
  float* e = doubtful.embeddings.data() + 5 * kEmbedding;
  std::fill_n(e, kEmbedding, 0.0F);
  e[0] = 0.6F;
  e[1] = 0.8F;
  CHECK(label(doubtful, speakers) == blocks({{0, 12}, {1, 12}}));
}

TEST_CASE("turns begin and end with the regions, and change half-way between windows") {
  const std::vector<Span> regions = {{0.1, 2.0}, {2.3, 3.0}, {5.0, 6.0}};
  Windows w = place_windows(regions);
  REQUIRE(w.centres == std::vector<int64_t>{40, 80, 120, 160, 200, 240, 280, 520, 560, 600});
  const auto turns = turns_of(regions, w, {0, 0, 1, 1, 1, 1, 1, 1, 1, 1});
  REQUIRE(turns.size() == 3);
  CHECK(turns[0].begin == Approx(0.02));  // 0.08 s before the region
  CHECK(turns[0].end == Approx(1.0));
  CHECK(turns[1].begin == Approx(1.0));
  CHECK(turns[1].end == Approx(3.08));  // the pause of 0.3 s is closed
  CHECK(turns[2].begin == Approx(4.92));
}

TEST_CASE("two who speak at once are marked, and one who speaks alone is not") {
  std::vector<int> who = blocks({{0, 12}, {1, 12}});
  Windows w = scattered(who);
  w.loudness.assign(24, -1.0F);
  const std::vector<Span> regions = {{0, 10}};
  std::vector<float> speakers(2 * kEmbedding);
  speakers[0] = speakers[kEmbedding + 1] = 1;
  CHECK(second_speakers(regions, w, speakers, who) == std::vector<int>(24, -1));
  for (int i : {10, 11}) {  // half of each voice, and louder
    float* e = w.embeddings.data() + i * kEmbedding;
    std::fill_n(e, kEmbedding, 0.0F);
    e[0] = e[1] = 0.707F;
    w.loudness[static_cast<size_t>(i)] = 1;
  }
  auto second = second_speakers(regions, w, speakers, who);
  CHECK(second[11] == 1);
  CHECK(std::count(second.begin(), second.end(), -1) >= 20);
  second.assign(24, -1);
  second[10] = second[11] = 1;
  const auto turns = with_overlap(turns_of(regions, w, who), regions, w, second);
  REQUIRE(turns.size() == 3);
  CHECK(turns[1].overlap);
  CHECK(turns[1].speaker == 1);
  CHECK(turns[1].begin == Approx(3.8));
  CHECK(turns[1].end == Approx(turns[2].begin));
  CHECK(turns[0].end == Approx(turns[2].begin));
}

TEST_CASE("a region too short for the grid of windows still gets one") {
  CHECK(place_windows({{1.05, 1.15}}).centres == std::vector<int64_t>{110});
}

TEST_CASE("regions of speech need 0.16 s, and pauses too") {
  std::vector<float> p(40, 0.1F);
  std::fill(p.begin() + 5, p.begin() + 15, 0.9F);
  p[9] = 0.2F;                                      // too short a pause
  std::fill(p.begin() + 25, p.begin() + 28, 0.9F);  // too short for speech
  const auto r = speech_regions(p);
  REQUIRE(r.size() == 1);
  CHECK(r[0].begin == Approx(5 * 0.032));
  CHECK(r[0].end == Approx(15 * 0.032));
}

TEST_CASE("blur is what is missing from the depth of the dips in speech, and a telephone is known by its missing band") {
  const auto heard = [](float dips, float high) {  // a fifth of the frames are dips; between the regions is nothing
    std::vector<float> mel(200 * kMels);
    for (size_t i = 0; i < 100; ++i)
      for (size_t b = 0; b < kMels; ++b) mel[i * kMels + b] = (i % 5 ? 1.25F : dips) * (b < 32 ? 1 : high);
    return blur(mel, {{0, 1}});
  };
  CHECK(heard(1e-4F, 1) == 0);
  CHECK(heard(0.01F, 1) == Approx(13).margin(0.1));
  CHECK(heard(0.01F, 1e-2F) == Approx(13).margin(0.1));
  CHECK(heard(1e-4F, 1e-5F) == 25);
  CHECK(heard(0.1F, 1e-5F) == 25);
  CHECK(heard(1.25F, 1e-5F) == Approx(33));
  CHECK(blur({}, {}) == 0);
}

TEST_CASE("voices that are blurred are told apart by less") {
  Bounds b;
  b.threshold = 0.08F;
  CHECK(b.blurred(0).threshold == 0.08F);
  CHECK(b.blurred(25).threshold == Approx(0.055));
  CHECK(b.blurred(100).threshold == 0.01F);
}

TEST_CASE("noise that stays is taken out of the bands, and speech is left") {
  std::vector<float> mel(1000 * kMels, 2.0F);
  for (size_t t = 300; t < 500; ++t) mel[t * kMels + 7] = 50;
  subtract_noise(mel);
  CHECK(mel[100 * kMels + 7] == Approx(0.1));  // a twentieth is left
  CHECK(mel[400 * kMels + 7] == Approx(50 - 2 * 1.2));
}

TEST_CASE("a tone comes out in the band that holds it, whatever the pieces it came in") {
  std::vector<float> audio(16000);
  for (size_t i = 0; i < audio.size(); ++i)
    audio[i] = 0.5F * static_cast<float>(std::sin(2 * M_PI * 1000 * static_cast<double>(i) / 16000));
  Mel whole, pieces;
  whole.push(audio, 1);
  whole.finish(1);
  for (size_t at = 0; at < audio.size(); at += 777) pieces.push({audio.data() + at, std::min<size_t>(777, audio.size() - at)}, 1);
  pieces.finish(1);
  REQUIRE(whole.frames() == 101);
  CHECK(whole.mel() == pieces.mel());
  const float* middle = whole.mel().data() + 50 * kMels;
  CHECK(std::max_element(middle, middle + kMels) - middle == 13);  // as in librosa 0.11
}

TEST_CASE("every instruction set gives the plain loops' numbers") {
  std::vector<const Kernels*> levels = {&kernels_base};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) levels.push_back(&kernels_avx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) levels.push_back(&kernels_avx512);
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vl")) levels.push_back(&kernels_vnni);
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const long m = 19, n = 32, k = 40;
  std::vector<float> x(m * k), w(n * k), gates(4 * n), c(n), packed(n * k);
  for (auto* v : {&x, &w, &gates, &c})
    for (float& f : *v) f = normal(random);
  gates[0] = 200;  // far outside what an exponential can hold
  gates[1] = -200;
  for (long j = 0; j < n; ++j)
    for (long t = 0; t < k; ++t)
      packed[static_cast<size_t>((j / kPanel * k + t) * kPanel + j % kPanel)] = w[static_cast<size_t>(j * k + t)];
  auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  for (const Kernels* level : levels) {
    INFO(level->name);
    std::vector<float> y(m * n, 1.0F), cell = c, h(n);
    level->product(x.data(), m, k, packed.data(), n, k, y.data(), n);
    for (long i = 0; i < m; ++i)
      for (long j = 0; j < n; ++j) {
        double sum = 1;
        for (long t = 0; t < k; ++t)
          sum += static_cast<double>(x[static_cast<size_t>(i * k + t)]) * w[static_cast<size_t>(j * k + t)];
        REQUIRE(y[static_cast<size_t>(i * n + j)] == Approx(sum).margin(1e-4));
      }
    if (level->product_i8) {
      std::vector<uint8_t> bytes(m * k);
      std::vector<int8_t> eight(n * k);
      const std::vector<float> scale(n, 0.5F);
      for (uint8_t& b : bytes) b = static_cast<uint8_t>(random());
      for (long j = 0; j < n; ++j)
        for (long t = 0; t < k; ++t)
          eight[static_cast<size_t>((j / kPanel * k + t / 4 * 4) * kPanel + j % kPanel * 4 + t % 4)] =
              static_cast<int8_t>(7 * j - 3 * t);
      std::fill(y.begin(), y.end(), 1.0F);
      level->product_i8(bytes.data(), m, k, eight.data(), scale.data(), n, k, y.data(), n);
      for (long i = 0; i < m; ++i)
        for (long j = 0; j < n; ++j) {
          int sum = 0;
          for (long t = 0; t < k; ++t) sum += bytes[static_cast<size_t>(i * k + t)] * static_cast<int8_t>(7 * j - 3 * t);
          REQUIRE(y[static_cast<size_t>(i * n + j)] == 1 + 0.5F * static_cast<float>(sum));
        }
    }
    level->lstm(gates.data(), n, cell.data(), h.data());
    for (size_t j = 0; j < n; ++j) {
      const double wanted = sigmoid(gates[n + j]) * c[j] + sigmoid(gates[j]) * std::tanh(gates[2 * n + j]);
      CHECK(cell[j] == Approx(wanted).margin(1e-6));
      CHECK(h[j] == Approx(sigmoid(gates[3 * n + j]) * std::tanh(wanted)).margin(1e-6));
    }
  }
}
