#include "words.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "text.hpp"

namespace decoder {

namespace {

// Written without spaces between words (openai/whisper tokenizer.py, split_to_word_tokens).
bool spaced(const std::string& language) {
  for (const char* l : {"zh", "ja", "th", "lo", "my", "yue"})
    if (language == l) return false;
  return true;
}

bool broken(const std::string& text) { return text.find("\xEF\xBF\xBD") != std::string::npos; }

bool punctuation(const std::string& text) {
  static const std::vector<std::string> kAfter = {"\"", "'",  ".",  ",",  "!",  "?",  ":",  ";",  ")",  "]",  "}", "…", "”", "’",
                                                  "。", "，", "！", "？", "：", "；", "）", "」", "』", "、", "-", "–", "—"};
  for (size_t i = 0; i < text.size();) {
    const auto mark =
        std::find_if(kAfter.begin(), kAfter.end(), [&](const std::string& m) { return text.compare(i, m.size(), m) == 0; });
    if (mark == kAfter.end()) return false;
    i += mark->size();
  }
  return true;
}

}  // namespace

std::vector<Word> words_of(const Model& model, const std::string& language, const Spoken& spoken, size_t from, size_t to) {
  const bool spaces = spaced(language);
  std::vector<Word> words;
  for (size_t i = from; i < to;) {
    // A character may be spread over several tokens.
    size_t next = i + 1;
    std::string text =
        text_of(model, {spoken.tokens.begin() + static_cast<long>(i), spoken.tokens.begin() + static_cast<long>(next)});
    for (; next < to && next < i + 4 && broken(text); ++next)
      text = text_of(model, {spoken.tokens.begin() + static_cast<long>(i), spoken.tokens.begin() + static_cast<long>(next + 1)});
    if (broken(text)) {
      next = i + 1;
      text = text_of(model, {spoken.tokens[i]});
    }
    const bool mark = punctuation(text), begins = spaces ? text[0] == ' ' : !mark;
    if (words.empty() || begins) words.push_back({"", spoken.starts[i], spoken.starts[i], 0, {}});
    Word& w = words.back();
    w.text += text;
    if (!mark) w.end = spoken.starts[next];
    for (; i < next; ++i) {
      w.tokens.push_back(spoken.tokens[i]);
      w.probability += std::exp(spoken.logprobs[i]);
    }
  }
  for (Word& w : words) w.probability /= static_cast<double>(w.tokens.size());
  return words;
}

void fit(std::vector<Word>& words, std::span<const std::pair<double, double>> regions) {
  for (Word& w : words) {
    double start = w.start, end = w.end, most = 0;
    for (const auto& [a, b] : regions)
      if (const double shared = std::min(b, w.end) - std::max(a, w.start); shared > most) {
        most = shared;
        start = std::max(a, w.start);
        end = std::min(b, w.end);
      }
    w.start = start;
    w.end = end;
  }
}

}  // namespace decoder
