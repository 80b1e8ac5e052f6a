// Word times: dynamic time warping and the alignment of attention, on weights whose answer is known, and the decode stage's
// words.
#include "../plugins/decoder/align.hpp"

#include "catch.hpp"
#include "whisper.hpp"

using namespace npurt_test;
using namespace decoder;

namespace {

// Every cheapest path, by trying all.
float cheapest(const std::vector<float>& cost, size_t rows, size_t columns, size_t i, size_t j) {
  const float here = cost[i * columns + j];
  if (i + 1 == rows && j + 1 == columns) return here;
  float rest = INFINITY;
  if (i + 1 < rows) rest = std::min(rest, cheapest(cost, rows, columns, i + 1, j));
  if (j + 1 < columns) rest = std::min(rest, cheapest(cost, rows, columns, i, j + 1));
  if (i + 1 < rows && j + 1 < columns) rest = std::min(rest, cheapest(cost, rows, columns, i + 1, j + 1));
  return here + rest;
}

std::string words_joined(const nlohmann::json& segment) {
  std::string all;
  for (const auto& w : segment["words"]) all += w["word"].get<std::string>();
  return all;
}

}  // namespace

TEST_CASE("warping finds the cheapest way from corner to corner") {
  Random random(4);
  for (int n = 0; n < 20; ++n) {
    const size_t rows = 4, columns = 6;
    const std::vector<float> cost = random.normals(rows * columns);
    const auto begin = warp(cost, rows, columns);
    REQUIRE(begin.size() == rows);
    CHECK(begin[0] == 0);
    // What the rows cover, each from its beginning to where the next begins: that column is shared, or not.
    float best = INFINITY;
    for (int shared = 0; shared < 8; ++shared) {
      float sum = 0;
      bool possible = true;
      for (size_t i = 0; i < rows; ++i) {
        const auto from = static_cast<size_t>(begin[i]);
        const size_t to = i + 1 == rows ? columns : static_cast<size_t>(begin[i + 1]) + (shared >> i & 1);
        possible = possible && to > from;
        for (size_t j = from; j < to; ++j) sum += cost[i * columns + j];
      }
      if (possible) best = std::min(best, sum);
    }
    CHECK(best == Approx(cheapest(cost, rows, columns, 0, 0)).margin(1e-5));
  }
}

TEST_CASE("tokens begin where the attention of most heads moves") {
  constexpr int64_t tokens = 6, heads = 3, context = 120, frames = 100, first = 1;
  // Row 1 attends to frames 0 to 19, row 2 to 20 to 39, …; the last head looks elsewhere, and so does what lies beyond the audio.
  Random random(5);
  std::vector<float> heard(static_cast<size_t>(tokens * heads * context));
  for (float& x : heard) x = static_cast<float>(0.2 * random.uniform());
  for (int64_t i = first; i < tokens; ++i)
    for (int64_t h = 0; h < heads - 1; ++h)
      for (int64_t t = 0; t < 20; ++t) heard[static_cast<size_t>((i * heads + h) * context + (i - first) * 20 + t)] += 1;
  for (size_t i = 0; i < heard.size(); ++i)
    if (static_cast<int64_t>(i) % context >= frames) heard[i] = 9;
  const auto begins = align(heard, tokens, heads, context, frames, first);
  REQUIRE(begins.size() == 5);
  for (size_t i = 0; i < begins.size(); ++i) CHECK(std::abs(begins[i] - 20 * static_cast<int>(i)) <= 1);
}

TEST_CASE("words are the text, in order, inside their segment, and only where they are asked for") {
  size_t words = 0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    Whisper m = random_whisper(seed);
    if (seed % 2) m.config["alignment_heads"] = {{0, 1}, {1, 2}};
    const auto windows = random_windows(m, 3, seed);
    Decoder::Options options = {{"temperature", "0"}, {"language", "de"}, {"max_tokens", "30"}, {"beam", seed % 3 ? "1" : "3"}};
    const auto without = Decoder(m, options).run(windows);
    options["words"] = "true";
    const auto with = Decoder(m, options).run(windows);
    for (size_t i = 0; i < windows.size(); ++i) {
      REQUIRE(with[i]["segments"].size() == without[i]["segments"].size());
      double last = with[i]["start"];
      for (size_t s = 0; s < with[i]["segments"].size(); ++s) {
        const auto &segment = with[i]["segments"][s], &plain = without[i]["segments"][s];
        CHECK_FALSE(plain.contains("words"));
        CHECK(segment["text"] == plain["text"]);
        CHECK(words_joined(segment) == plain["text"].get<std::string>());
        CHECK(segment["start"] == segment["words"].front()["start"]);
        CHECK(segment["end"] == segment["words"].back()["end"]);
        nlohmann::json tokens = nlohmann::json::array();
        for (const auto& w : segment["words"]) {
          ++words;
          CHECK(w["start"].get<double>() >= last - 1e-9);
          CHECK(w["end"].get<double>() >= w["start"].get<double>());
          CHECK(w["probability"].get<double>() > 0);
          CHECK(w["probability"].get<double>() <= 1.0001);
          last = w["end"];
          tokens.insert(tokens.end(), w["tokens"].begin(), w["tokens"].end());
        }
        CHECK(tokens == plain["tokens"]);
      }
      CHECK(last <= with[i]["end"].get<double>() + 1e-9);
    }
  }
  CHECK(words > 30);
}

TEST_CASE("a word begins at a space, and is not drawn out over a pause") {
  // " a", "x", " a", "ab", and the end.
  const Whisper m = scripted_whisper({{{Ids::time, 1}}, {{27, 1}}, {{23, 1}}, {{27, 1}}, {{26, 1}}, {{Ids::eot, 1}}}, false);
  const auto packet = Decoder(m, {{"temperature", "0"}, {"words", "true"}}).run(Decoder::Regions{{0.2, 0.5}, {0.9, 1.2}});
  REQUIRE(packet["segments"].size() == 1);
  const auto& words = packet["segments"][0]["words"];
  REQUIRE(words.size() == 2);
  CHECK(words[0]["word"] == " ax");
  CHECK(words[1]["word"] == " aab");
  for (const auto& w : words) {
    const double start = w["start"], end = w["end"];
    CHECK_FALSE((start < 0.5 && end > 0.9));
  }
}

TEST_CASE("alignment heads that are none are refused") {
  Whisper m = random_whisper(1);
  m.config["alignment_heads"] = {{0, 1}, {2, 0}};
  std::string sentence;
  try {
    Decoder(m, {{"language", "de"}});
  } catch (const Stopped& s) {
    sentence = s.what();
  }
  CHECK(sentence == "model 'tiny': the config's 'alignment_heads' holds [2,0], which is no head of the decoder");
}
