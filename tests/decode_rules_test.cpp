// What the decode stage makes of a result: language, silence, another try, text, and what it does not take. The models are
// scripted: they say what the test wants said.
#include "isa.hpp"
#include "whisper.hpp"

using namespace npurt_test;

namespace {

constexpr int a = 0, b = 1, euro1 = 28, euro2 = 29, space = 30;

// What follows the prompt <sot><language><task><notimestamps>: the language at 0, `said` from 3 on, then the end.
Shares script(const std::vector<std::map<int, double>>& said, std::map<int, double> first = {{43, 1}}) {
  Shares s = {std::move(first), {{a, 1}}, {{a, 1}}};
  s.insert(s.end(), said.begin(), said.end());
  s.push_back({{Ids::eot, 1}});
  return s;
}
Shares script(const std::vector<int>& said) {
  std::vector<std::map<int, double>> all;
  for (int id : said) all.push_back({{id, 1}});
  return script(all);
}

const Decoder::Options kPlain = {{"timestamps", "false"}};

Decoder::Options with(Decoder::Options all, const Decoder::Options& more) {
  for (const auto& [name, value] : more) all[name] = value;
  return all;
}

nlohmann::json say(const Shares& s, const Decoder::Options& options = {}, const Decoder::Regions& regions = {}) {
  const Whisper m = scripted_whisper(s);
  return Decoder(m, with(kPlain, options)).run(regions);
}

std::string text_of(const nlohmann::json& packet) {
  std::string all;
  for (const auto& s : packet["segments"]) all += s["text"].get<std::string>();
  return all;
}

std::string refusal(const Decoder::Options& options, bool multilingual = true) {
  const Whisper m = scripted_whisper({{{Ids::eot, 1}}}, multilingual);
  return stopped([&] { Decoder(m, options); });
}

}  // namespace

TEST_CASE("the language is the likeliest language token, or the one that was asked for") {
  if (lacks_level()) return;
  const Shares s = script({{{a, 1}}}, {{43, 0.3}, {44, 0.5}, {42, 0.2}, {b, 1}});
  CHECK(say(s)["language"] == "fr");
  CHECK(say(s, {{"language", "de"}})["language"] == "de");
}

TEST_CASE("tokens may split a character, and broken bytes become U+FFFD") {
  if (lacks_level()) return;
  CHECK(text_of(say(script({a, euro1, euro2, b}))) ==
        "a\xE2\x82\xAC"
        "b");
  CHECK(text_of(say(script({a, euro2, b, euro1}))) ==
        "a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(say(script({space, space}))["segments"].empty());
}

TEST_CASE("times make segments, and text after the last one lasts to the end of the window") {
  if (lacks_level()) return;
  const int t = Ids::time;
  Shares s = {{{43, 1}}, {{a, 1}}};
  for (int id : {t + 5, a, b, t + 20, t + 30, b, t + 40, t + 40, a, Ids::eot}) s.push_back({{id, 1}});
  const auto packet = say(s, {{"timestamps", "true"}, {"temperature", "0"}});
  REQUIRE(packet["segments"].size() == 3);
  const std::vector<std::tuple<double, double, std::string>> wanted = {{0.1, 0.4, "ab"}, {0.6, 0.8, "b"}, {0.8, 1.5, "a"}};
  for (size_t i = 0; i < 3; ++i) {
    const auto& [start, end, text] = wanted[i];
    CHECK(packet["segments"][i]["start"].get<double>() == Approx(start));
    CHECK(packet["segments"][i]["end"].get<double>() == Approx(end));
    CHECK(packet["segments"][i]["text"] == text);
  }
}

TEST_CASE("the first time is at most 1 s, and later ones never go back") {
  if (lacks_level()) return;
  const int t = Ids::time;
  Shares s = {{{43, 1}}, {{a, 1}}};
  for (const auto& share : Shares{{{t + 60, 0.9}, {t + 12, 0.1}},
                                  {{a, 1}},
                                  {{t + 3, 0.6}, {t + 30, 0.4}},
                                  {{t + 7, 0.9}, {t + 31, 0.1}},
                                  {{b, 1}},
                                  {{t + 31, 0.9}, {t + 50, 0.1}},
                                  {{Ids::eot, 1}}})
    s.push_back(share);
  const auto packet = say(s, {{"timestamps", "true"}, {"temperature", "0"}});
  REQUIRE(packet["segments"].size() == 2);
  CHECK(packet["segments"][0]["start"].get<double>() == Approx(0.24));
  CHECK(packet["segments"][0]["end"].get<double>() == Approx(0.6));
  CHECK(packet["segments"][1]["start"].get<double>() == Approx(0.62));
  CHECK(packet["segments"][1]["end"].get<double>() == Approx(1.0));
}

TEST_CASE("no end follows a segment while a second of speech is left") {
  if (lacks_level()) return;
  const int t = Ids::time;
  Shares s = {{{43, 1}}, {{a, 1}}, {{t, 1}}, {{a, 1}}, {{t + 10, 1}}};
  for (const auto& share : Shares{{{Ids::eot, 0.9}, {t + 12, 0.1}}, {{Ids::eot, 0.8}, {b, 0.2}}, {{t + 70, 1}}, {{Ids::eot, 1}}})
    s.push_back(share);
  const auto text = [&](const Decoder::Regions& regions) {
    return text_of(say(s, {{"timestamps", "true"}, {"temperature", "0"}}, regions));
  };
  CHECK(text({{0, 1.5}}) == "ab");
  CHECK(text({{0, 0.3}, {0.4, 1.5}}) == "ab");
  CHECK(text({{0, 0.3}, {1.0, 1.5}}) == "a");
  CHECK(text({{0, 0.3}}) == "a");
}

TEST_CASE("a time comes where all times together are likelier than any other token") {
  if (lacks_level()) return;
  const int t = Ids::time;
  const auto second = [&](double each) {
    Shares s = {{{43, 1}}, {{a, 1}}, {{t, 1}}, {{a, 1}}};
    s.push_back({{b, 0.4}, {t + 10, each}, {t + 11, each}, {t + 12, each}});
    s.push_back({{Ids::eot, 1}});
    return text_of(say(s, {{"timestamps", "true"}, {"temperature", "0"}}, {{0, 0.3}}));
  };
  CHECK(second(0.12) == "ab");
  CHECK(second(0.15) == "a");
}

TEST_CASE("suppressed tokens are never said, and those of the beginning not there") {
  if (lacks_level()) return;
  Whisper m = scripted_whisper(script({{{a, 0.6}, {b, 0.4}}, {{a, 0.6}, {b, 0.3}, {4, 0.1}}, {{b, 0.8}, {4, 0.2}}}));
  m.config["suppress"] = {b};
  m.config["suppress_begin"] = {space, Ids::eot};
  CHECK(text_of(Decoder(m, with(kPlain, {{"temperature", "0"}})).run()) == "aae");
  m.config["suppress"] = nlohmann::json::array();
  m.config["suppress_begin"] = {a};
  CHECK(text_of(Decoder(m, with(kPlain, {{"temperature", "0"}})).run()) == "bab");
}

TEST_CASE("a window is silence where no-speech is likely and the words are not, or hardly any speech was found") {
  if (lacks_level()) return;
  const std::map<int, double> unsure = {{a, 0.26}, {b, 0.25}, {4, 0.25}, {6, 0.24}};
  const auto packet = [&](double no_speech, bool sure, double speech) {
    const Shares s = script({sure ? std::map<int, double>{{a, 1}} : unsure}, {{43, 1 - no_speech}, {Ids::no_speech, no_speech}});
    return say(s, {{"language", "de"}, {"temperature", "0"}}, {{0.0, speech}});
  };
  CHECK(packet(0.9, true, 1.2)["segments"].size() == 1);
  CHECK(packet(0.9, true, 1.2)["segments"][0]["no_speech_prob"].get<double>() == Approx(0.9).margin(0.01));
  CHECK(packet(0.9, true, 0.5)["segments"].empty());
  CHECK(packet(0.5, true, 0.5)["segments"].size() == 1);
  const Shares doubtful = script(std::vector<std::map<int, double>>(6, unsure), {{43, 0.3}, {Ids::no_speech, 0.7}});
  const auto dropped = say(doubtful, {{"language", "de"}});
  CHECK(dropped["segments"].empty());
  CHECK(dropped["fallbacks"].empty());
  CHECK(dropped["dropped"] == nlohmann::json::array({{{"start", 0.0}, {"end", 1.5}, {"reason", "no speech"}}}));
}

TEST_CASE("an unlikely or repetitive result is tried again at higher temperatures, and each try is told") {
  if (lacks_level()) return;
  const auto said = [](const std::map<int, double>& share) { return script(std::vector<std::map<int, double>>(60, share)); };
  std::vector<std::map<int, double>> flat(60);  // the likeliest is another letter each time
  for (size_t i = 0; i < flat.size(); ++i)
    for (size_t j = 0; j < 20; ++j) flat[i][static_cast<int>(i * i + j) % 26] = j ? 0.049 : 0.069;
  const auto unlikely = say(script(flat));
  CHECK(unlikely["fallbacks"] == std::vector<std::string>(5, "unlikely"));
  CHECK(unlikely["segments"][0]["temperature"].get<double>() == Approx(1));
  CHECK(unlikely["segments"][0]["avg_logprob"].get<double>() < -1);

  const auto stuck = say(said({{a, 1}}));
  CHECK(stuck["fallbacks"] == std::vector<std::string>(5, "repeats itself"));
  CHECK(stuck["segments"][0]["compression_ratio"].get<double>() == Approx(60.0 / 12));  // zlib.compress(b"a" * 60) has 12 bytes

  const auto freed = say(said({{a, 0.55}, {b, 0.15}, {4, 0.15}, {6, 0.15}}));
  REQUIRE(freed["segments"].size() == 1);
  const double temperature = freed["segments"][0]["temperature"];
  CHECK(temperature > 0.1);
  CHECK(freed["fallbacks"] == std::vector<std::string>(static_cast<size_t>(std::lround(temperature * 5)), "repeats itself"));
  CHECK(freed["segments"][0]["compression_ratio"].get<double>() <= 2.4);

  const auto fixed = say(said({{a, 1}}), {{"temperature", "0"}});
  CHECK(fixed["fallbacks"].empty());
  CHECK(text_of(fixed) == std::string(60, 'a'));
}

TEST_CASE("sampling keeps to the distribution at its temperature, and to its seed") {
  if (lacks_level()) return;
  const Shares s = script(std::vector<std::map<int, double>>(200, {{a, 0.7}, {b, 0.3}}));
  const auto count = [&](const std::string& temperature) {
    const std::string t = text_of(say(s, {{"temperature", temperature}, {"best_of", "1"}, {"max_tokens", "200"}}));
    REQUIRE(t.size() == 200);
    return static_cast<double>(std::count(t.begin(), t.end(), 'a')) / 200;
  };
  CHECK(count("1") == Approx(0.7).margin(0.1));
  CHECK(count("0.5") == Approx(0.49 / 0.58).margin(0.08));
  const auto once = say(s, {{"temperature", "1"}, {"seed", "7"}});
  CHECK(once.dump() == say(s, {{"temperature", "1"}, {"seed", "7"}}).dump());
  CHECK(text_of(once) != text_of(say(s, {{"temperature", "1"}, {"seed", "8"}})));
}

TEST_CASE("a sampled window does not depend on the windows beside it, and a file run again gives the same") {
  if (lacks_level()) return;
  const Whisper m = scripted_whisper(script(std::vector<std::map<int, double>>(40, {{a, 0.4}, {b, 0.3}, {4, 0.3}})));
  const auto windows = random_windows(m, 5, 1);
  const auto run = [&](const std::string& batch) {
    Decoder d(m, with(kPlain, {{"temperature", "0.8"}, {"best_of", "1"}, {"batch", batch}}));
    return nlohmann::json(d.run(windows)).dump();
  };
  CHECK(run("4") == run("4"));
  CHECK(run("1") == run("5"));
  CHECK(run("2") == run("3"));
}

TEST_CASE("the number of tokens is bounded by the option and by the model") {
  if (lacks_level()) return;
  const Shares endless = {{{43, 1}}, {{a, 1}}, {{a, 0.5}, {b, 0.5}}};
  CHECK(text_of(say(endless, {{"temperature", "0"}, {"max_tokens", "9"}})).size() == 9);
  CHECK(text_of(say(endless, {{"temperature", "0"}})).size() == 128);
  CHECK(text_of(say(endless, {{"temperature", "0"}, {"max_tokens", "256"}})).size() == 252);
  const auto prompted = say(endless, {{"temperature", "0"}, {"max_tokens", "256"}, {"prompt", std::string(500, 'c')}});
  CHECK(text_of(prompted).size() == 256 - 128 - 4);
}

TEST_CASE("a cancelled run stops before its next token") {
  if (lacks_level()) return;
  const Whisper m = scripted_whisper({{{a, 1}}});
  Decoder d(m, kPlain);
  d.stage().cancel = 1;
  CHECK(stopped([&] { d.run(); }) == "cancelled: cancelled");
}

TEST_CASE("the decode stage says what it does not take") {
  if (lacks_level()) return;
  CHECK(refusal({{"precision", "f16"}}) == "config: option 'precision' is 'f16'; wanted f32, int8 or auto");
  CHECK(refusal({{"language", "xx"}}) == "config: language 'xx' is unknown; the model knows en de fr");
  CHECK(refusal({{"task", "sing"}}) == "config: option 'task' is 'sing'; wanted transcribe or translate");
  CHECK(refusal({{"timestamps", "yes"}}) == "config: option 'timestamps' is 'yes'; wanted true or false");
  CHECK(refusal({{"beam", "2.5"}}) == "config: option 'beam' is '2.5'; wanted a whole number");
  CHECK(refusal({{"beam", "17"}}) == "config: option 'beam' is '17'; wanted a number from 1 to 16");
  CHECK(refusal({{"temperature", "2"}}) == "config: option 'temperature' is '2'; wanted a number from 0 to 1");
  CHECK(refusal({{"task", "translate"}}, false) == "config: model 'tiny' knows English only; it cannot translate");
  CHECK(refusal({{"language", "de"}}, false) == "config: model 'tiny' knows English only; language is 'de'");
  CHECK(refusal({{"language", "en"}}, false) == "nothing");
}

TEST_CASE("a config that is not that of a Whisper model is refused, and a damaged one is an error") {
  if (lacks_level()) return;
  const auto open = [](auto&& change) {
    Whisper m = scripted_whisper({{{Ids::eot, 1}}});
    change(m.config);
    return stopped([&] { Decoder(m, kPlain); });
  };
  CHECK(open([](auto& c) { c["kind"] = "silero-vad"; }) == "refuse: model 'tiny' is not a Whisper model");
  CHECK(open([](auto& c) { c["n_text_head"] = 3; }) == "config: model 'tiny': 128 states do not divide into 3 heads");
  CHECK(open([](auto& c) { c["n_audio_ctx"] = 80; }) == "refuse: model 'tiny' wants encoder f32[80,128]");
  CHECK(open([](auto& c) { c.erase("eot"); }) == "config: model 'tiny': the config has no 'eot' that is a token");
  CHECK(open([](auto& c) {
          c["suppress"] = {5, 127};
        }) == "config: model 'tiny': the config's 'suppress' holds 127, which is no token");
  CHECK(open([](auto& c) { c["timestamp_begin"] = -1; }) ==
        "config: model 'tiny': the config has no 'timestamp_begin' that is a token");
  CHECK(open([](auto& c) {
          c["languages"] = nlohmann::json::array({nlohmann::json::array({"de", 4000})});
        }) == "config: model 'tiny': the config's 'languages' holds 4000, which is no token");
}
