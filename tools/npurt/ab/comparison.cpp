#include "comparison.hpp"

#include <cstdio>

namespace npurt::cli {

namespace {

// Below this a kernel does something else than the one it is compared with; int8 weights alone stay above 0.99.
constexpr double kLeastCosine = 0.9;
constexpr double kMostWordErrors = 0.5;

std::string percent(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * x);
  return text;
}

}  // namespace

ValueError Comparison::error() const {
  ValueError all;
  for (const auto& [node, e] : errors) all.add(e);
  return all;
}

void Comparison::compare_transcripts() {
  for (size_t i = 0; i < a.heard.size(); ++i) {
    const Transcript &of_a = a.heard[i], &of_b = b.heard.at(i);
    flips.push_back(npurt::cli::flips(of_a.words, of_b.words));
    words += static_cast<int>(of_a.words.size());
    word_edits += edits(flips.back());
    tokens += static_cast<int>(of_a.tokens.size());
    token_edits += edits(npurt::cli::flips(of_a.tokens, of_b.tokens));
  }
}

double Comparison::word_error_rate() const {
  return words > 0 ? static_cast<double>(word_edits) / words : word_edits > 0 ? 1 : 0;
}

std::vector<std::string> Comparison::broken() const {
  std::vector<std::string> all;
  const ValueError e = error();
  if (e.not_finite() > 0) all.push_back(std::to_string(e.not_finite()) + " values of b are NaN or Inf");
  if (e.values() > 0 && e.cosine() < kLeastCosine) {
    char text[96];
    std::snprintf(text, sizeof text, "b computes something else: cosine %.3f with a on the same inputs", e.cosine());
    all.push_back(text);
  }
  if (word_error_rate() > kMostWordErrors)
    all.push_back("the transcript is lost: " + percent(word_error_rate()) + " of the words differ");
  return all;
}

}  // namespace npurt::cli
