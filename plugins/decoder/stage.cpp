#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>

#include "align.hpp"
#include "cross.hpp"
#include "search.hpp"
#include "text.hpp"
#include "words.hpp"

namespace decoder {

using nlohmann::json;

namespace {

constexpr double kRate = 16000, kTick = 0.02;
// openai/whisper transcribe.py: beyond these a result is tried again at a higher temperature, or counts as silence.
constexpr double kMostCompression = 2.4, kLeastLogprob = -1.0, kMostNoSpeech = 0.6;
// Attention moves to a token this long after it has begun, in seconds: measured on synthetic speech (docs/diarization.md).
constexpr double kLate = 0.1;
// Where the windows hold less speech than this, the no-speech token alone decides: on a chord or a cough Whisper is sure of
// "you".
constexpr double kLittleSpeech = 0.6;
constexpr std::array<float, 6> kTemperatures = {0.0F, 0.2F, 0.4F, 0.6F, 0.8F, 1.0F};

bool yes(const std::string& name, const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  throw npurt::BadConfig("option '" + name + "' is '" + text + "'; wanted true or false");
}

int whole(npurt::Host host, const char* name, int otherwise, int low, int high) {
  const double x = host.number(name, otherwise, low, high);
  if (x != std::floor(x))
    throw npurt::BadConfig(std::string("option '") + name + "' is '" + host.option(name) + "'; wanted a whole number");
  return static_cast<int>(x);
}

struct Options {
  bool int8 = false, timestamps = true, words = false, cache = true, automatic_temperature = true;
  float temperature = 0;
  int beam = 1, best_of = 5, batch = 4, most_tokens = 224;
  std::string language, task;
  uint64_t seed = 0;
};

Options read_options(npurt::Host host, const Facts& facts) {
  Options o;
  const std::string precision = host.option("precision", "auto");
  if (precision != "f32" && precision != "int8" && precision != "auto")
    throw npurt::BadConfig("option 'precision' is '" + precision + "'; wanted f32, int8 or auto");
  const bool fits = facts.head_size() % 16 == 0;
  if (precision == "int8" && !fits)
    throw npurt::Refuse("int8 wants heads of a multiple of 16 values; those of model '" + host.option("model") + "' have " +
                        std::to_string(facts.head_size()));
  o.int8 = precision == "int8" || (precision == "auto" && fits && std::string(kernels().name) != "base");
  o.timestamps = yes("timestamps", host.option("timestamps", "true"));
  o.words = yes("words", host.option("words", "false"));
  o.cache = yes("cache", host.option("cache", "true"));
  o.automatic_temperature = host.option("temperature", "auto") == "auto";
  if (!o.automatic_temperature) o.temperature = static_cast<float>(host.number("temperature", 0, 0, 1));
  o.beam = whole(host, "beam", 1, 1, 16);
  o.best_of = whole(host, "best_of", 5, 1, 16);
  o.batch = whole(host, "batch", 4, 1, 64);
  o.most_tokens = whole(host, "max_tokens", facts.text_ctx / 2, 1, facts.text_ctx);
  o.seed = static_cast<uint64_t>(whole(host, "seed", 0, 0, 1'000'000'000));
  o.task = host.option("task", "transcribe");
  if (o.task != "transcribe" && o.task != "translate")
    throw npurt::BadConfig("option 'task' is '" + o.task + "'; wanted transcribe or translate");
  if (o.task == "translate" && !facts.multilingual)
    throw npurt::BadConfig("model '" + host.option("model") + "' knows English only; it cannot translate");
  o.language = host.option("language", "auto");
  if (!facts.multilingual) {
    if (o.language != "auto" && o.language != "en")
      throw npurt::BadConfig("model '" + host.option("model") + "' knows English only; language is '" + o.language + "'");
    o.language = "en";
  } else if (o.language != "auto") {
    std::string all;
    for (const Language& l : facts.languages) {
      if (l.code == o.language) return o;
      all += (all.empty() ? "" : " ") + l.code;
    }
    throw npurt::BadConfig("language '" + o.language + "' is unknown; the model knows " + all);
  }
  return o;
}

}  // namespace

// Turns encoded windows into text. Holds windows until `batch` of them share each step, then gives one packet per window, in
// order.
//
//   text: {op: decode, in: {encoder: encoder.out, at: windows.at}, use: decoder, with: {model: $model, cross: blocks/cross.yaml}}
//
// Windows do not see each other's text, so that they can be decoded together; `prompt` is given to each.
class Decode {
 public:
  static constexpr auto op = "decode";
  static constexpr auto signature = "encoder f32[T,D], at json -> segments json@split";
  static constexpr auto device = "cpu";
  static constexpr bool stream = true;

  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
    const Facts f = read_facts(host.meta("config"), host.option("model"));
    read_options(host, f);
    const auto fits = [](int64_t dim, int wanted) { return dim < 0 || dim == wanted; };
    if (!fits(in[0].dims[0], f.audio_ctx) || !fits(in[0].dims[1], f.state))
      throw npurt::Refuse("model '" + host.option("model") + "' wants encoder f32[" + std::to_string(f.audio_ctx) + "," +
                          std::to_string(f.state) + "]");
    out[0] = npurt::Spec(NPURT_JSON, {NPURT_UNKNOWN});
  }

  Decode(npurt::Host host, npurt::Specs in)
      : options_(read_options(host, read_facts(host.meta("config"), host.option("model")))),
        model_(host, options_.int8),
        search_(model_, std::max(options_.batch * options_.beam, options_.best_of), host.threads()) {
    if (!model_.int8) cross_.emplace(host, in[0], model_.facts);
    if (const std::string text = host.option("prompt", ""); !text.empty()) {
      before_ = tokens_of(model_, text[0] == ' ' ? text : ' ' + text);
      const size_t room = static_cast<size_t>(model_.facts.text_ctx / 2 - 1);
      if (before_.size() > room) before_.erase(before_.begin(), before_.end() - static_cast<std::ptrdiff_t>(room));
      before_.insert(before_.begin(), model_.facts.sot_prev);
    }
  }

  void run(npurt::Call& call) {
    if (call.index() == 0 && !draining_) {
      waiting_.clear();
      ready_.clear();
      language_.reset();
      taken_ = decoded_ = 0;
    }
    if (!draining_) {
      if (!call.end()) take(call);
      if (!waiting_.empty() && (call.end() || waiting_.size() == static_cast<size_t>(options_.batch))) decode(call.host());
    }
    draining_ = false;
    if (ready_.empty()) return call.skip();
    call.put_text(0, ready_.front());
    ready_.pop_front();
    if (!ready_.empty()) {
      draining_ = true;
      call.again();
    }
  }

 private:
  struct Window {
    json at;
    WindowCache cache;
    Found found;
    float temperature = 0;
    std::string text;
    Spoken spoken;  // if words are wanted
    std::vector<std::string> fallbacks;
  };

  void take(npurt::Call& call) {
    Window w;
    w.at = json::parse(call.text(1), nullptr, false);
    if (!w.at.is_object() || !w.at.contains("start") || !w.at.contains("samples"))
      throw npurt::Bug("'at' is not a window's JSON");
    if (!spare_.empty()) {
      w.cache = std::move(spare_.back());
      spare_.pop_back();
    } else if (model_.int8) {
      w.cache.audio = std::make_unique<AudioCache>(model_.facts);
    } else {
      w.cache.exact = std::make_unique<CrossCache>(model_.facts);
    }
    if (model_.int8) {
      const int threads = call.host().threads();
      const auto each = static_cast<size_t>(AudioCache::kPart * model_.facts.state);
      w.cache.audio->fill(call.in(0).data(), call.host().scratch<int8_t>(each * static_cast<size_t>(threads)).data(), threads);
    } else {
      cross_->fill(call, *w.cache.exact);
    }
    taken_ = end_of(w);
    report(call.host());
    waiting_.push_back(std::move(w));
  }

  std::vector<int> prompt(bool timestamps) const {
    const Facts& f = model_.facts;
    std::vector<int> p = {f.sot};
    if (f.multilingual) {
      for (const Language& l : f.languages)
        if (l.code == *language_) p.push_back(l.id);
      p.push_back(options_.task == "translate" ? f.translate : f.transcribe);
    }
    if (!timestamps) p.push_back(f.no_timestamps);
    return p;
  }

  // Lets the decoder take in what it made once more, as one text, to see when it listened to what.
  Spoken listen(const Window& w) {
    Spoken s;
    for (size_t i = 0; i < w.found.tokens.size(); ++i)
      if (w.found.tokens[i] < model_.facts.timestamp_begin) {
        s.tokens.push_back(w.found.tokens[i]);
        s.logprobs.push_back(w.found.logprobs[i]);
      }
    if (s.tokens.empty()) return s;
    std::vector<int> all = prompt(false);
    const auto first = static_cast<int64_t>(all.size()) - 1;
    all.insert(all.end(), s.tokens.begin(), s.tokens.end());
    const auto frames = static_cast<int64_t>(std::ceil(w.at["samples"].get<double>() / kRate / kTick));
    const std::vector<int> begins = align(search_.listen(w.cache, all), static_cast<int64_t>(all.size()),
                                          static_cast<int64_t>(model_.facts.alignment_heads.size()), model_.facts.audio_ctx,
                                          std::clamp<int64_t>(frames, 1, model_.facts.audio_ctx), first);
    for (int t : begins) s.starts.push_back(w.at["start"].get<double>() + std::max(0.0, t * kTick - (kLate)));
    return s;
  }

  void decode(npurt::Host host) {
    if (!language_ && options_.language != "auto") language_ = options_.language;
    if (!language_) {
      const auto p = search_.languages(waiting_[0].cache);
      language_ = model_.facts.languages[static_cast<size_t>(std::max_element(p.begin(), p.end()) - p.begin())].code;
      host.info("the first window is in language '" + *language_ + "'");
    }
    SearchOptions s;
    s.beam = options_.beam;
    s.best_of = options_.best_of;
    s.timestamps = options_.timestamps;
    s.cache = options_.cache;
    s.most_tokens = options_.most_tokens;
    std::vector<int> start = before_, own = prompt(options_.timestamps);
    start.insert(start.end(), own.begin(), own.end());
    std::vector<size_t> open(waiting_.size());
    for (size_t i = 0; i < open.size(); ++i) open[i] = i;
    const size_t tries = options_.automatic_temperature ? kTemperatures.size() : 1;
    for (size_t t = 0; t < tries && !open.empty(); ++t) {
      s.temperature = options_.automatic_temperature ? kTemperatures[t] : options_.temperature;
      const size_t each = static_cast<size_t>(s.temperature > 0 ? s.best_of : s.beam);
      const size_t together = std::max<size_t>(1, static_cast<size_t>(search_.sequences()) / each);
      std::vector<size_t> failed;
      for (size_t i = 0; i < open.size(); i += together) {
        std::vector<const WindowCache*> group;
        const size_t n = std::min(together, open.size() - i);
        s.seeds.clear();
        s.heard.clear();
        for (size_t j = 0; j < n; ++j) {
          const Window& w = waiting_[open[i + j]];
          group.push_back(&w.cache);
          const auto start = static_cast<uint64_t>(std::llround(w.at["start"].get<double>() * 100));
          s.seeds.push_back(options_.seed + 1000 * t + start);
          s.heard.push_back(heard(w));
        }
        auto found = search_.run(group, start, s, [&] { return host.cancelled(); });
        for (size_t j = 0; j < n; ++j) {
          Window& w = waiting_[open[i + j]];
          w.found = std::move(found[j]);
          w.temperature = s.temperature;
          w.text = text_of(model_, w.found.tokens);
          const std::string why = wrong(w);
          if (why.empty()) continue;
          if (t + 1 < tries) w.fallbacks.push_back(why);
          failed.push_back(open[i + j]);
        }
      }
      open = std::move(failed);
    }
    for (Window& w : waiting_) {
      if (options_.words && !silent(w)) w.spoken = listen(w);
      ready_.push_back(packet(w));
      decoded_ = end_of(w);
      report(host);
      spare_.push_back(std::move(w.cache));
    }
    waiting_.clear();
  }

  static double end_of(const Window& w) { return w.at["start"].get<double>() + w.at["samples"].get<double>() / kRate; }
  // A window is work twice: until it is here, mostly the encoder's, and until it is text.
  void report(npurt::Host host) const { host.progress((taken_ + decoded_) / 2, 0); }

  // Whisper likes to end a window after a segment, and leaves the speech behind it to a next window, which begins elsewhere here.
  // So no end comes before the timestamp after which there is less than a second of speech.
  static int heard(const Window& w) {
    double left = 1.0;
    const json regions = w.at.value("regions", json::array());
    for (auto r = regions.rbegin(); r != regions.rend(); ++r) {
      const double from = r->at(0), to = r->at(1);
      if (to - from >= left) return static_cast<int>((to - left - w.at["start"].get<double>()) / kTick);
      left -= to - from;
    }
    return 0;
  }

  static bool silent(const Window& w) {
    double speech = 0;
    for (const json& r : w.at.value("regions", json::array())) speech += r.at(1).get<double>() - r.at(0).get<double>();
    return w.found.no_speech > kMostNoSpeech && (w.found.avg_logprob < kLeastLogprob || speech < kLittleSpeech);
  }

  // Why a result must be tried again, or "".
  static std::string wrong(const Window& w) {
    if (silent(w)) return "";
    if (compression_ratio(w.text) > kMostCompression) return "repeats itself";
    if (w.found.avg_logprob < kLeastLogprob) return "unlikely";
    return "";
  }

  std::string packet(const Window& w) const {
    const double start = w.at["start"], length = w.at["samples"].get<double>() / kRate;
    json p = {{"id", w.at.value("id", 0)}, {"start", start},
              {"end", start + length},     {"language", *language_},
              {"segments", json::array()}, {"dropped", json::array()},
              {"fallbacks", w.fallbacks},  {"regions", w.at.value("regions", json::array())}};
    if (silent(w)) {
      p["dropped"].push_back({{"start", start}, {"end", start + length}, {"reason", "no speech"}});
      return p.dump();
    }
    const int begin = model_.facts.timestamp_begin;
    double from = 0;
    std::vector<int> tokens;
    size_t said = 0;  // tokens of text in earlier segments
    auto close = [&](double to) {
      const double a = std::clamp(from, 0.0, length), b = std::clamp(to, a, length);
      const std::string text = text_of(model_, tokens);
      if (text.find_first_not_of(" \t\n") != std::string::npos) {
        p["segments"].push_back({{"start", start + a},
                                 {"end", start + b},
                                 {"text", text},
                                 {"tokens", tokens},
                                 {"avg_logprob", w.found.avg_logprob},
                                 {"no_speech_prob", w.found.no_speech},
                                 {"compression_ratio", compression_ratio(w.text)},
                                 {"temperature", w.temperature}});
        if (options_.words) put_words(w, said, said + tokens.size(), p["segments"].back());
      }
      said += tokens.size();
      tokens.clear();
    };
    double end = length;
    if (const json& r = p["regions"]; !options_.timestamps && r.is_array() && !r.empty()) {
      from = r.front()[0].get<double>() - start;
      end = r.back()[1].get<double>() - start;
    }
    for (int id : w.found.tokens) {
      if (id < begin) {
        tokens.push_back(id);
        continue;
      }
      if (!tokens.empty()) close((id - begin) * kTick);
      from = (id - begin) * kTick;
    }
    if (!tokens.empty()) close(end);
    return p.dump();
  }

  // Words of the window's tokens [from, to) of text; the segment then begins with the first and ends with the last.
  void put_words(const Window& w, size_t from, size_t to, json& segment) const {
    std::vector<Word> words = words_of(model_, *language_, w.spoken, from, to);
    std::vector<std::pair<double, double>> regions;
    for (const json& r : w.at.value("regions", json::array())) regions.emplace_back(r.at(0), r.at(1));
    fit(words, regions);
    for (const Word& word : words)
      segment["words"].push_back({{"word", word.text},
                                  {"start", word.start},
                                  {"end", word.end},
                                  {"probability", word.probability},
                                  {"tokens", word.tokens}});
    segment["start"] = words.front().start;
    segment["end"] = words.back().end;
  }

  Options options_;
  Model model_;
  std::optional<CrossGraph> cross_;  // of f32 models
  Search search_;
  std::vector<int> before_;
  std::optional<std::string> language_;
  std::vector<Window> waiting_;
  std::vector<WindowCache> spare_;
  std::deque<std::string> ready_;
  double taken_ = 0, decoded_ = 0;  // in the file, seconds
  bool draining_ = false;
};

}  // namespace decoder

NPURT_PLUGIN("decoder", "1.0.0", decoder::Decode)
