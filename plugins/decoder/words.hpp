// From tokens to words.
#pragma once

#include <span>

#include "model.hpp"

namespace decoder {

struct Word {
  std::string text;           // with the space before it; all of a text's words joined are the text
  double start = 0, end = 0;  // seconds
  double probability = 0;     // mean of its tokens'
  std::vector<int> tokens;
};

// Of text tokens: what each is, the second it begins, and the log of its probability.
struct Spoken {
  std::vector<int> tokens;
  std::vector<double> starts;  // one more: where the last ends
  std::vector<float> logprobs;
};

// The words of tokens [from, to): a new one begins at each space, or, in a language written without spaces, at each character;
// punctuation belongs to the word before it, and its time to the pause after that.
std::vector<Word> words_of(const Model& model, const std::string& language, const Spoken& spoken, size_t from, size_t to);

// Words last no longer than the speech that they are in: of what lies in several regions of speech (seconds, in order), the
// longest part is kept.
void fit(std::vector<Word>& words, std::span<const std::pair<double, double>> regions);

}  // namespace decoder
