#include "model_config.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <npurt/runtime.hpp>
#include <set>
#include <sstream>

namespace npurt {

using nlohmann::json;

namespace {

// In the order of the language tokens (openai/whisper tokenizer.py, LANGUAGES).
constexpr const char* kLanguages[] = {
    "en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar",  "sv", "it", "id", "hi", "fi", "vi",
    "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no", "th", "ur", "hr", "bg",  "lt", "la", "mi", "ml", "cy", "sk",
    "te", "fa", "lv", "bn", "sr", "az", "sl", "kn", "et", "mk", "br", "eu", "is", "hy",  "ne", "mn", "bs", "kk", "sq", "sw",
    "gl", "mr", "pa", "si", "km", "sn", "yo", "so", "af", "oc", "ka", "be", "tg", "sd",  "gu", "am", "yi", "lo", "uz", "fo",
    "ht", "ps", "tk", "nn", "mt", "sa", "lb", "my", "bo", "tl", "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su", "yue"};

// Ids that stand for no speech but notation, as OpenAI's tokenizer.py (non_speech_tokens) finds them.
json suppress_list(const BytePairs& pairs, const json& specials) {
  std::set<int> ids;
  auto first = [&](const std::string& text, bool any_length) {
    auto t = pairs.encode(text);
    if (!t.empty() && (t.size() == 1 || any_length)) ids.insert(t[0]);
  };
  first(" -", true);
  first(" '", true);
  std::vector<std::string> symbols;
  for (char c : std::string("\"#()*+/:;<=>@[\\]^_`{|}~")) symbols.emplace_back(1, c);
  for (const char* s : {"「", "」", "『", "』"}) symbols.emplace_back(s);
  std::istringstream words("<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪");
  for (std::string w; words >> w;) symbols.push_back(w);
  for (const auto& s : symbols) {
    first(s, false);
    first(" " + s, false);
  }
  for (const char* s : {"♩", "♪", "♫", "♬", "♭", "♮", "♯"}) {
    first(s, true);
    first(std::string(" ") + s, true);
  }
  json list = json::array();
  for (int id : ids) list.push_back(id);
  for (const char* name : {"sot", "translate", "transcribe", "sot_lm", "sot_prev", "no_speech"}) list.push_back(specials[name]);
  std::sort(list.begin(), list.end());
  return list;
}

}  // namespace

std::string bytes_of_token(const std::string& token) {
  // GPT-2's alphabet: bytes that print stand for themselves, the others, in order, for U+0100 and on; none is above U+07FF.
  static const std::array<int, 0x800> alphabet = [] {
    std::array<int, 0x800> map;
    map.fill(-1);
    size_t next = 256;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      map[printable ? static_cast<size_t>(b) : next++] = b;
    }
    return map;
  }();
  std::string bytes;
  bytes.reserve(token.size());
  for (size_t i = 0; i < token.size();) {
    const auto lead = static_cast<unsigned char>(token[i]);
    const size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    int byte = -1;
    if (n == 1) byte = alphabet[lead];
    else if (n == 2 && lead >= 0xC2 && i + 1 < token.size() && (token[i + 1] & 0xC0) == 0x80)
      byte = alphabet[static_cast<size_t>(lead & 31) << 6 | static_cast<size_t>(token[i + 1] & 63)];
    if (byte >= 0) bytes += static_cast<char>(byte);
    else bytes.append(token, i, n);
    i += n;
  }
  return bytes;
}

BytePairs::BytePairs(const std::vector<std::string>& vocab, int ordinary) : none_(ordinary) {
  ids_.reserve(static_cast<size_t>(ordinary));
  for (int i = 0; i < std::min<int>(ordinary, static_cast<int>(vocab.size())); ++i)
    ids_.emplace(vocab[static_cast<size_t>(i)], i);
}

std::vector<int> BytePairs::encode(const std::string& text) const {
  std::vector<std::string> parts;
  for (char c : text) parts.emplace_back(1, c);
  for (;;) {
    int best = none_;
    size_t where = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i)
      if (auto it = ids_.find(parts[i] + parts[i + 1]); it != ids_.end() && it->second < best) best = it->second, where = i;
    if (best == none_) break;
    parts[where] += parts[where + 1];
    parts.erase(parts.begin() + static_cast<int64_t>(where) + 1);
  }
  std::vector<int> out;
  for (const auto& p : parts)
    if (auto it = ids_.find(p); it != ids_.end()) out.push_back(it->second);
  return out;
}

namespace {

void check_dims(const WhisperDims& d, const std::string& file) {
  auto within = [&](int64_t v, int64_t low, int64_t high, const char* name) {
    if (v < low || v > high)
      throw Error(Exit::input, file + ": " + name + " is " + std::to_string(v) + "; a Whisper model has " + std::to_string(low) +
                                   " to " + std::to_string(high));
  };
  within(d.n_mels, 1, 512, "n_mels");
  within(d.n_audio_ctx, 1, 100'000, "n_audio_ctx");
  within(d.n_audio_state, 1, 16'384, "n_audio_state");
  within(d.n_text_state, 1, 16'384, "n_text_state");
  within(d.n_audio_head, 1, 256, "n_audio_head");
  within(d.n_text_head, 1, 256, "n_text_head");
  within(d.n_audio_layer, 1, 256, "n_audio_layer");
  within(d.n_text_layer, 1, 256, "n_text_layer");
  within(d.n_text_ctx, 1, 100'000, "n_text_ctx");
  within(d.n_vocab, 51'864, 51'766 + static_cast<int64_t>(std::size(kLanguages)), "n_vocab");
  auto divides = [&](int64_t state, int64_t head, const char* which) {
    if (state % head)
      throw Error(Exit::input, file + ": " + std::to_string(state) + ' ' + which + " states do not divide into " +
                                   std::to_string(head) + " heads");
  };
  divides(d.n_audio_state, d.n_audio_head, "audio");
  divides(d.n_text_state, d.n_text_head, "text");
}

}  // namespace

std::string whisper_config(const WhisperDims& d, std::vector<std::string>& vocab, const std::string& suppress,
                           const std::string& suppress_begin, const std::string& alignment_heads, const std::string& file) {
  check_dims(d, file);
  const bool multilingual = d.n_vocab >= 51'865;
  const int languages = multilingual ? static_cast<int>(d.n_vocab) - 51'766 : 99;
  const int eot = multilingual ? 50'257 : 50'256, sot = eot + 1, after = sot + 1 + languages;
  json c = {{"kind", "whisper"},
            {"n_mels", d.n_mels},
            {"n_audio_ctx", d.n_audio_ctx},
            {"n_audio_state", d.n_audio_state},
            {"n_audio_head", d.n_audio_head},
            {"n_audio_layer", d.n_audio_layer},
            {"n_vocab", d.n_vocab},
            {"n_text_ctx", d.n_text_ctx},
            {"n_text_state", d.n_text_state},
            {"n_text_head", d.n_text_head},
            {"n_text_layer", d.n_text_layer},
            {"multilingual", multilingual},
            {"eot", eot},
            {"sot", sot},
            {"translate", after},
            {"transcribe", after + 1},
            {"sot_lm", after + 2},
            {"sot_prev", after + 3},
            {"no_speech", after + 4},
            {"no_timestamps", after + 5},
            {"timestamp_begin", after + 6},
            {"languages", json::array()}};
  if (multilingual)
    for (int i = 0; i < languages; ++i) c["languages"].push_back({kLanguages[i], sot + 1 + i});

  if (vocab.size() < static_cast<size_t>(eot) || vocab.size() > static_cast<size_t>(d.n_vocab))
    throw Error(Exit::input, file + ": the vocabulary has " + std::to_string(vocab.size()) + " tokens; n_vocab is " +
                                 std::to_string(d.n_vocab));
  vocab.resize(static_cast<size_t>(d.n_vocab));
  auto name = [&](int id, const std::string& text) {
    if (vocab[static_cast<size_t>(id)].empty()) vocab[static_cast<size_t>(id)] = text;
  };
  name(eot, "<|endoftext|>");
  name(sot, "<|startoftranscript|>");
  for (int i = 0; sot + 1 + i < after; ++i) name(sot + 1 + i, std::string("<|") + kLanguages[i] + "|>");
  const char* specials[] = {"translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"};
  for (int i = 0; i < 6; ++i) name(after + i, std::string("<|") + specials[i] + "|>");
  for (int id = after + 6; id < d.n_vocab; ++id) {
    char stamp[32];
    std::snprintf(stamp, sizeof stamp, "<|%.2f|>", (id - after - 6) * 0.02);
    name(id, stamp);
  }

  auto list = [&](const std::string& text, const char* what) {
    json j = json::parse(text, nullptr, false);
    if (!j.is_null() && !j.is_array()) throw Error(Exit::input, file + ": " + what + " is not a list");
    return j;
  };
  auto ids = [&](const std::string& text, const char* what, auto otherwise) {
    json j = list(text, what);
    if (j.is_null()) return json(otherwise());
    json kept = json::array();
    for (const json& id : j) {
      if (!id.is_number_integer()) throw Error(Exit::input, file + ": " + what + " holds something that is not a token id");
      if (const auto v = id.get<int64_t>(); v >= 0 && v < d.n_vocab) kept.push_back(v);
    }
    return kept;
  };
  c["suppress"] = ids(suppress, "suppress_ids", [&] { return suppress_list(BytePairs(vocab, eot), c); });
  c["suppress_begin"] = ids(suppress_begin, "suppress_ids_begin", [&] {
    json j = BytePairs(vocab, eot).encode(" ");
    j.push_back(eot);
    return j;
  });
  json heads = list(alignment_heads, "alignment_heads");
  c["alignment_heads"] = heads.is_null() ? json::array() : heads;
  return c.dump();
}

void check_whisper_config(const json& c, const std::string& file) {
  auto wrong = [&](const std::string& key, const std::string& what) {
    throw Error(Exit::input, file + ": config key '" + key + "' " + what);
  };
  auto number = [&](const char* key) -> int64_t {
    if (!c.contains(key)) wrong(key, "is missing");
    if (!c[key].is_number_unsigned() || c[key].get<uint64_t>() > 1'000'000'000) wrong(key, "is not a whole number");
    return c[key].get<int64_t>();
  };
  WhisperDims d;
  d.n_mels = number("n_mels");
  d.n_audio_ctx = number("n_audio_ctx");
  d.n_audio_state = number("n_audio_state");
  d.n_audio_head = number("n_audio_head");
  d.n_audio_layer = number("n_audio_layer");
  d.n_vocab = number("n_vocab");
  d.n_text_ctx = number("n_text_ctx");
  d.n_text_state = number("n_text_state");
  d.n_text_head = number("n_text_head");
  d.n_text_layer = number("n_text_layer");
  check_dims(d, file);
  if (d.n_text_state != d.n_audio_state) wrong("n_text_state", "differs from n_audio_state");

  auto is_id = [&](const json& j) { return j.is_number_unsigned() && j.get<uint64_t>() < static_cast<uint64_t>(d.n_vocab); };
  for (const char* key :
       {"eot", "sot", "translate", "transcribe", "sot_lm", "sot_prev", "no_speech", "no_timestamps", "timestamp_begin"})
    if (number(key) >= d.n_vocab) wrong(key, "is not a token id");
  if (!c.contains("multilingual") || !c["multilingual"].is_boolean()) wrong("multilingual", "is not true or false");
  auto each = [&](const char* key, const char* what, auto good) {
    if (!c.contains(key) || !c[key].is_array()) wrong(key, "is not a list");
    for (const json& entry : c[key])
      if (!good(entry)) wrong(key, std::string("holds something that is not ") + what);
  };
  each("suppress", "a token id", is_id);
  each("suppress_begin", "a token id", is_id);
  each("languages", "[code, token id]",
       [&](const json& j) { return j.is_array() && j.size() == 2 && j[0].is_string() && is_id(j[1]); });
  each("alignment_heads", "[layer, head] of the decoder", [&](const json& j) {
    return j.is_array() && j.size() == 2 && j[0].is_number_unsigned() && j[1].is_number_unsigned() &&
           j[0].get<uint64_t>() < static_cast<uint64_t>(d.n_text_layer) &&
           j[1].get<uint64_t>() < static_cast<uint64_t>(d.n_text_head);
  });
}

}  // namespace npurt
