// What `npurt ab` makes of numbers, values, words and energy counters.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "../tools/npurt/ab/energy.hpp"
#include "../tools/npurt/ab/error.hpp"
#include "../tools/npurt/ab/plots.hpp"
#include "../tools/npurt/ab/statistics.hpp"
#include "../tools/npurt/ab/words.hpp"
#include "../tools/npurt/outputs.hpp"
#include "catch.hpp"

using namespace npurt::cli;

namespace {

// n pairs of times near 1 s with drift and noise of `spread`, b being `slower` times as slow.
Ratio measured(int n, double slower, double spread, unsigned seed) {
  std::mt19937 chance(seed);
  std::lognormal_distribution<double> noise(0, spread);
  std::vector<double> a, b;
  for (int i = 0; i < n; ++i) {
    const double drift = 1 + 0.5 * std::sin(0.3 * i);
    a.push_back(drift * noise(chance));
    b.push_back(drift * slower * noise(chance));
  }
  return compare(a, b);
}

int times(const std::string& verdict, int n, double slower, double spread) {
  int seen = 0;
  for (unsigned seed = 0; seed < 200; ++seed) seen += measured(n, slower, spread, seed).verdict == verdict;
  return seen;
}

npurt::Tensor floats(const std::vector<float>& values) {
  return {"y", "f32", {static_cast<int64_t>(values.size())}, values.data(), values.size() * sizeof(float), nullptr};
}

std::vector<Spoken> words(const std::string& text) {
  return read_transcript(R"({"segments":[{"start":10,"end":20,"text":")" + text + R"("}]})").words;
}

}  // namespace

TEST_CASE("a median is the middle, or between the two middle ones") {
  CHECK(median({3}) == 3);
  CHECK(median({5, 1, 3}) == 3);
  CHECK(median({4, 1, 3, 9}) == 3.5);
}

TEST_CASE("the same candidate twice is hardly ever called different") {
  for (int n : {8, 10, 20, 30, 50}) CHECK(times("no difference seen", n, 1, 0.1) >= 196);
}

TEST_CASE("three per cent are found in thirty pairs of usual noise") {
  CHECK(times("b is slower", 30, 1.03, 0.015) >= 190);
  CHECK(times("b is faster", 30, 1 / 1.03, 0.015) >= 190);
}

TEST_CASE("what is too few or too small is not claimed") {
  CHECK(measured(7, 2, 0.01, 1).verdict == "too few pairs");
  CHECK(measured(50, 1.005, 0.0001, 1).verdict == "no difference seen");
}

TEST_CASE("the interval holds the ratio") {
  const Ratio r = measured(30, 0.5, 0.02, 3);
  CHECK(r.low <= r.value);
  CHECK(r.value <= r.high);
  CHECK(r.low < 0.5);
  CHECK(0.5 < r.high);
  CHECK(r.high - r.low < 0.05);
  CHECK(r.chance < 1e-8);
}

TEST_CASE("errors of values: largest, relative, cosine, histogram") {
  ValueError e;
  const std::vector<float> a{3, 0, 4, 0}, b{3, 0, 4.5F, -0.0625F};
  e.add(floats(a), floats(b));
  CHECK(e.values() == 4);
  CHECK(e.exact() == 2);
  CHECK(e.largest() == 0.5);
  CHECK(std::abs(e.relative() - std::sqrt(0.25 + 0.00390625) / 5) < 1e-12);
  CHECK(std::abs(e.cosine() - 27 / (5 * std::sqrt(9 + 20.25 + 0.00390625))) < 1e-12);
  CHECK(e.histogram()[8] == 1);  // 0.5 is in [0.1, 1)
  CHECK(e.histogram()[7] == 1);
}

TEST_CASE("zeros, NaN and other shapes are told apart from small errors") {
  const std::vector<float> a{1, 2}, zeros{0, 0}, bad{NAN, 2}, longer{1, 2, 3};
  ValueError lost, nan, none;
  lost.add(floats(a), floats(zeros));
  CHECK(lost.cosine() == 0);
  CHECK(lost.relative() == 1);
  nan.add(floats(a), floats(bad));
  CHECK(nan.not_finite() == 1);
  none.add(floats(zeros), floats(zeros));
  CHECK(none.cosine() == 1);
  CHECK(none.relative() == 0);
  CHECK_THROWS_AS(none.add(floats(a), floats(longer)), npurt::Error);
}

TEST_CASE("half and bfloat values are read as what they are") {
  const std::vector<uint16_t> half{0x3c00, 0xc000, 0x0001}, brain{0x3f80, 0xc000, 0x0000};
  npurt::Tensor h{"y", "f16", {3}, half.data(), 6, nullptr}, b{"y", "bf16", {3}, brain.data(), 6, nullptr};
  ValueError e;
  e.add(h, h);
  CHECK(e.exact() == 3);
  ValueError f;
  f.add(b, npurt::Tensor{"y", "bf16", {3}, half.data(), 6, nullptr});
  CHECK(f.exact() == 1);
  CHECK(f.largest() > 0.9);  // 1.0 as bf16 is no 1.0 as f16
}

TEST_CASE("words are compared without case and punctuation") {
  CHECK(flips(words("Ask not, what."), words("ask Not what")).empty());
  CHECK(words("a - b").size() == 2);
  CHECK(read_transcript("no json").words.empty());
}

TEST_CASE("flips tell where, what and in which surroundings") {
  const auto all =
      flips(words("one two three four five six seven eight nine ten"), words("one two three for five six seven eight nine ten"));
  REQUIRE(all.size() == 1);
  CHECK(all[0].a == "four");
  CHECK(all[0].b == "for");
  CHECK(all[0].before == "one two three");
  CHECK(all[0].after == "five six seven eight");
  CHECK(all[0].at == 13);
  CHECK(edits(all) == 1);
}

TEST_CASE("edits are the fewest there can be") {
  CHECK(edits(flips(words("a b c d"), words("b c d e"))) == 2);
  CHECK(edits(flips(words("a b c"), words(""))) == 3);
  CHECK(edits(flips(words(""), words("a b"))) == 2);
  CHECK(edits(flips(words("x a b y"), words("x b a y"))) == 2);
  CHECK(flips(words("a b c d e"), words("a x c y e")).size() == 2);
}

TEST_CASE("energy is read from RAPL packages, over a counter's end, or said to be missing") {
  TemporaryFile anchor;
  const std::filesystem::path sys = anchor.path().string() + ".d", zone = sys / "class/powercap/intel-rapl:0";
  CHECK(Energy(sys).source().find("no RAPL") != std::string::npos);
  std::filesystem::create_directories(zone);
  const auto write = [&](const char* name, const char* text) { std::ofstream(zone / name) << text << '\n'; };
  write("name", "package-0");
  write("max_energy_range_uj", "10000000");
  write("energy_uj", "9000000");
  Energy energy(sys);
  CHECK(energy.source() == "RAPL package-0");
  write("energy_uj", "9500000");
  CHECK(energy.spent() == 0.5);
  write("energy_uj", "500000");
  CHECK(energy.spent() == 1.0);
  std::filesystem::remove_all(sys);
}

TEST_CASE("what comes from files and models is text in a page") {
  CHECK(escaped("<script>'&\"") == "&lt;script&gt;&#39;&amp;&quot;");
  const std::string plot = times_plot({0.01, 0.02}, {0.03, 0.04});
  CHECK(plot.find("40 ms") != std::string::npos);
  CHECK(plot.find("nan") == std::string::npos);
  CHECK(histogram_plot({0, 0}, -9, 0).find("nan") == std::string::npos);
}
