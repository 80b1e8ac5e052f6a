// The decode stage on models in miniature against plain decoders: greedy and beam search over logits in double, without a cache.
#include "isa.hpp"
#include "whisper.hpp"

using namespace npurt_test;

namespace {

using Tokens = std::vector<int>;

// A window is 1.5 s of speech; until less than 1 s is left, no end follows a segment.
constexpr int kHeard = 25;

// The rules of openai/whisper decoding.py (SuppressBlank, SuppressTokens, ApplyTimestampRules), token by token.
void forbid(std::vector<double>& l, const Whisper& m, const Tokens& made, bool timestamps) {
  const auto is_time = [](int id) { return id >= Ids::time; };
  const auto cut = [&](int from, int to) { std::fill(l.begin() + from, l.begin() + to, -INFINITY); };
  for (int id : m.config["suppress"]) l[static_cast<size_t>(id)] = -INFINITY;
  if (made.empty())
    for (int id : m.config["suppress_begin"]) l[static_cast<size_t>(id)] = -INFINITY;
  cut(Ids::sot, timestamps ? Ids::time : Ids::vocab);
  if (!timestamps) return;
  const bool last = !made.empty() && is_time(made.back());
  const bool before = made.size() < 2 || is_time(made[made.size() - 2]);
  if (last && before) cut(Ids::time, Ids::vocab);
  if (last && !before) cut(0, Ids::eot);
  if (last && made.size() > 1 && made.back() < Ids::time + kHeard) l[Ids::eot] = -INFINITY;
  const auto stamp = std::find_if(made.rbegin(), made.rend(), is_time);
  if (stamp != made.rend()) cut(Ids::time, *stamp + (last && !before ? 0 : 1));
  if (made.empty()) {
    cut(0, Ids::time);
    cut(Ids::time + 51, Ids::vocab);
  }
  double times = 0, text = -INFINITY;
  for (int id = 0; id < Ids::vocab; ++id)
    if (is_time(id)) times += std::exp(l[static_cast<size_t>(id)]);
    else text = std::max(text, l[static_cast<size_t>(id)]);
  if (times > 0 && std::log(times) > text) cut(0, Ids::time);
}

struct Beam {
  Tokens made;
  double sum = 0;
  size_t length() const { return made.size() + (ended ? 1 : 0); }
  bool ended = false;
  double mean() const { return sum / static_cast<double>(std::max<size_t>(1, length())); }
};
bool better(const Beam& a, const Beam& b) { return a.sum > b.sum; }

struct Plain {
  const Whisper& model;
  PlainDecoder decoder;
  Tokens prompt;
  bool timestamps;
  size_t most;
  double gap = INFINITY;  // of the two best choices, where rounding would decide

  // Log-probabilities of the next token.
  std::vector<double> next(const Tokens& made) const {
    Tokens all = prompt;
    all.insert(all.end(), made.begin(), made.end());
    auto l = decoder.logits(all);
    forbid(l, model, made, timestamps);
    double sum = 0;
    for (double x : l) sum += std::exp(x);
    for (double& x : l) x -= std::log(sum);
    return l;
  }

  std::pair<Tokens, double> greedy() {
    Tokens made;
    double sum = 0;
    while (made.size() < most) {
      auto l = next(made);
      const auto best = std::max_element(l.begin(), l.end());
      const int token = static_cast<int>(best - l.begin());
      sum += *best;
      const double top = *best;
      *best = -INFINITY;
      gap = std::min(gap, top - *std::max_element(l.begin(), l.end()));
      if (token == Ids::eot) return {made, sum / static_cast<double>(made.size() + 1)};
      made.push_back(token);
    }
    return {made, sum / static_cast<double>(made.size())};
  }

  // BeamSearchDecoder of openai/whisper decoding.py; the best mean wins.
  Beam beam(size_t width) const {
    std::vector<Beam> live(1), done;
    while (!live.empty() && live[0].made.size() < most && done.size() < width) {
      std::vector<Beam> all, going;
      for (const Beam& b : live) {
        const auto l = next(b.made);
        std::vector<int> order(l.size());
        for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
        std::sort(order.begin(), order.end(),
                  [&](int x, int y) { return l[static_cast<size_t>(x)] > l[static_cast<size_t>(y)]; });
        for (size_t i = 0; i <= width; ++i) {
          Beam child = b;
          child.sum += l[static_cast<size_t>(order[i])];
          child.ended = order[i] == Ids::eot;
          if (!child.ended) child.made.push_back(order[i]);
          if (std::isfinite(child.sum)) all.push_back(child);
        }
      }
      std::sort(all.begin(), all.end(), better);
      for (const Beam& b : all) {
        if (going.size() == width) break;
        if (!b.ended) going.push_back(b);
        else if (done.size() < width) done.push_back(b);
      }
      live = going;
    }
    if (done.size() < width) done.insert(done.end(), live.begin(), live.end());
    return *std::max_element(done.begin(), done.end(), [](const Beam& a, const Beam& b) { return a.mean() < b.mean(); });
  }

  // The best mean of all there are.
  Beam brute(const Beam& from = {}) const {
    if (from.ended || from.made.size() == most) return from;
    Beam best;
    best.sum = -INFINITY;
    const auto l = next(from.made);
    for (int id = 0; id < Ids::vocab; ++id) {
      if (!std::isfinite(l[static_cast<size_t>(id)])) continue;
      Beam child = from;
      child.sum += l[static_cast<size_t>(id)];
      child.ended = id == Ids::eot;
      if (!child.ended) child.made.push_back(id);
      if (const Beam b = brute(child); b.mean() > best.mean()) best = b;
    }
    return best;
  }
};

Tokens tokens_of(const nlohmann::json& packet) {
  Tokens all;
  for (const auto& s : packet["segments"]) all.insert(all.end(), s["tokens"].begin(), s["tokens"].end());
  return all;
}

Tokens without_times(Tokens t) {
  std::erase_if(t, [](int id) { return id >= Ids::time; });
  return t;
}

const Decoder::Options kPlain = {{"temperature", "0"}, {"language", "de"}, {"timestamps", "false"}, {"max_tokens", "30"}};
const Tokens kPrompt = {Ids::sot, 43, Ids::transcribe, Ids::no_timestamps};

Decoder::Options with(Decoder::Options all, const Decoder::Options& more) {
  for (const auto& [name, value] : more) all[name] = value;
  return all;
}

}  // namespace

TEST_CASE("greedy decoding is that of a decoder in double without a cache") {
  if (lacks_level()) return;
  int compared = 0;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const Whisper m = random_whisper(seed);
    const auto windows = random_windows(m, 3, seed);
    for (const bool timestamps : {false, true}) {
      const auto packets = Decoder(m, with(kPlain, {{"timestamps", timestamps ? "true" : "false"}, {"batch", "3"}})).run(windows);
      REQUIRE(packets.size() == windows.size());
      for (size_t i = 0; i < windows.size(); ++i) {
        const Tokens prompt(kPrompt.begin(), kPrompt.end() - (timestamps ? 1 : 0));
        Plain plain{m, PlainDecoder(m, windows[i]), prompt, timestamps, 30};
        const auto [tokens, mean] = plain.greedy();
        if (plain.gap < 1e-4) continue;
        ++compared;
        INFO("model " << seed << " window " << i << " timestamps " << timestamps << ": " << packets[i]);
        CHECK(tokens_of(packets[i]) == without_times(tokens));
        if (!packets[i]["segments"].empty())
          CHECK(packets[i]["segments"][0]["avg_logprob"].get<double>() == Approx(mean).margin(1e-4));
      }
    }
  }
  CHECK(compared > 40);
}

TEST_CASE("segments are placed by the times that were made, inside the window and in order") {
  if (lacks_level()) return;
  size_t segments = 0;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const Whisper m = random_whisper(seed);
    const auto windows = random_windows(m, 2, seed);
    const auto packets = Decoder(m, with(kPlain, {{"timestamps", "true"}})).run(windows);
    for (size_t i = 0; i < windows.size(); ++i) {
      double last = packets[i]["start"];
      for (const auto& s : packets[i]["segments"]) {
        ++segments;
        CHECK(s["start"].get<double>() >= last - 1e-9);
        CHECK(s["end"].get<double>() >= s["start"].get<double>());
        CHECK(s["end"].get<double>() <= packets[i]["end"].get<double>() + 1e-9);
        last = s["end"];
      }
    }
  }
  CHECK(segments > 8);
}

TEST_CASE("the cache changes no token, nor does the number of windows decoded together") {
  if (lacks_level()) return;
  for (const std::string precision : {"f32", "int8"})
    for (uint64_t seed = 20; seed < 22; ++seed) {
      const Whisper m = random_whisper(seed, 64, 4);
      const auto windows = random_windows(m, 5, seed);
      for (const std::string beam : {"1", "3"}) {
        const auto options = with(kPlain, {{"precision", precision}, {"beam", beam}, {"timestamps", "true"}});
        std::vector<Tokens> wanted;
        for (const auto& p : Decoder(m, with(options, {{"batch", "1"}})).run(windows)) wanted.push_back(tokens_of(p));
        REQUIRE(wanted.size() == windows.size());
        for (const Decoder::Options& more : std::vector<Decoder::Options>{{{"batch", "4"}},
                                                                          {{"batch", "8"}},

                                                                          {{"batch", "4"}, {"threads", "3"}},
                                                                          {{"batch", "2"}, {"cache", "false"}}}) {
          std::vector<Tokens> got;
          for (const auto& p : Decoder(m, with(options, more)).run(windows)) got.push_back(tokens_of(p));
          INFO(precision << " model " << seed << " beam " << beam << " " << nlohmann::json(more));
          CHECK(got == wanted);
        }
      }
    }
}

TEST_CASE("int8 hears what f32 does") {
  if (lacks_level()) return;
  int same = 0, all = 0;
  for (uint64_t seed = 20; seed < 40; ++seed) {
    const Whisper m = random_whisper(seed, 64, 4);
    const auto windows = random_windows(m, 3, seed);
    const auto exact = Decoder(m, with(kPlain, {{"precision", "f32"}})).run(windows);
    const auto bytes = Decoder(m, with(kPlain, {{"precision", "int8"}})).run(windows);
    for (size_t i = 0; i < windows.size(); ++i) {
      Tokens wanted = tokens_of(exact[i]), got = tokens_of(bytes[i]);
      // Logits are random, so near ties are many; after one nothing is the same.
      for (Tokens* t : {&wanted, &got}) t->resize(2);
      same += wanted == got;
      ++all;
    }
  }
  INFO(same << " of " << all);
  CHECK(same > 0.7 * all);
  CHECK_THROWS_WITH(Decoder(random_whisper(20), with(kPlain, {{"precision", "int8"}})),
                    "int8 wants heads of a multiple of 16 values; those of model 'tiny' have 8");
}

TEST_CASE("beam search is that of the reference, and finds the best of all where it is wide enough") {
  if (lacks_level()) return;
  for (uint64_t seed = 40; seed < 46; ++seed) {
    Whisper m = random_whisper(seed);
    const auto windows = random_windows(m, 2, seed);
    for (const size_t width : {2, 3, 5}) {
      const auto packets = Decoder(m, with(kPlain, {{"beam", std::to_string(width)}, {"max_tokens", "12"}})).run(windows);
      for (size_t i = 0; i < windows.size(); ++i) {
        const auto best = Plain{m, PlainDecoder(m, windows[i]), kPrompt, false, 12}.beam(width);
        INFO("model " << seed << " window " << i << " width " << width << ": " << packets[i]);
        CHECK(tokens_of(packets[i]) == best.made);
      }
    }
    // Three letters and the end: 13 ways to say at most two tokens.
    auto& suppress = m.config["suppress"] = nlohmann::json::array();
    for (int id = 0; id < Ids::ordinary; ++id)
      if (id != 1 && id != 7 && id != 20) suppress.push_back(id);
    m.config["suppress_begin"] = {30};
    const auto packets = Decoder(m, with(kPlain, {{"beam", "16"}, {"max_tokens", "2"}})).run(windows);
    for (size_t i = 0; i < windows.size(); ++i) {
      const auto best = Plain{m, PlainDecoder(m, windows[i]), kPrompt, false, 2}.brute();
      INFO("model " << seed << " window " << i << ": " << packets[i]);
      CHECK(tokens_of(packets[i]) == best.made);
      if (!best.made.empty()) CHECK(packets[i]["segments"][0]["avg_logprob"].get<double>() == Approx(best.mean()).margin(1e-4));
    }
  }
}

TEST_CASE("a prompt and a task come before what is heard") {
  if (lacks_level()) return;
  const Whisper m = random_whisper(60);
  const auto windows = random_windows(m, 2, 60);
  // " xab": the piece begins with a space; "ab" is one token, and no merge makes " x".
  const Tokens before = {Ids::sot_prev, 30, 23, 26, 27};
  for (const bool translate : {false, true}) {
    Tokens prompt = before;
    prompt.insert(prompt.end(), {Ids::sot, 44, translate ? Ids::translate : Ids::transcribe, Ids::no_timestamps});
    const auto packets =
        Decoder(m, with(kPlain, {{"language", "fr"}, {"prompt", "xab a"}, {"task", translate ? "translate" : "transcribe"}}))
            .run(windows);
    for (size_t i = 0; i < windows.size(); ++i)
      CHECK(tokens_of(packets[i]) == Plain{m, PlainDecoder(m, windows[i]), prompt, false, 30}.greedy().first);
  }
}
