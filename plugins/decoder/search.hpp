// Finds the tokens of several windows at once: greedy, sampling or beam search over one shared batch of steps.
#pragma once

#include <functional>
#include <random>

#include "rules.hpp"
#include "step.hpp"

namespace decoder {

struct SearchOptions {
  int beam = 1;           // at temperature 0
  int best_of = 5;        // samples above temperature 0
  float temperature = 0;  // 0: no sampling
  bool timestamps = true;
  bool cache = true;  // false: every token replays the whole sequence, to show what the cache is worth
  int most_tokens = 224;
  std::vector<uint64_t> seeds;  // of each window, for sampling
  std::vector<int> heard;       // of each window: the timestamp before which it does not end (Rules)
};

struct Found {
  std::vector<int> tokens;      // without prompt and end
  std::vector<float> logprobs;  // of each token
  double avg_logprob = 0;       // per token, the end counted
  double no_speech = 0;         // probability of the no-speech token where the transcript starts
};

class Search {
 public:
  // Memory for `sequences` sequences at once is taken here.
  Search(const Model& model, int sequences, int threads);

  // One result per window. `prompt` starts every sequence and holds sot once. `cancelled` is asked per token; when it says yes,
  // Cancelled is thrown. windows.size() * max(beam, best_of) must not exceed the sequences.
  std::vector<Found> run(const std::vector<const WindowCache*>& windows, const std::vector<int>& prompt,
                         const SearchOptions& options, const std::function<bool()>& cancelled);
  // What the alignment heads attend to while they take in `tokens`: f32[tokens, alignment heads, audio_ctx], each row up to a
  // factor.
  std::vector<float> listen(const WindowCache& window, const std::vector<int>& tokens);
  // Probabilities of the language tokens of a window, in the order of facts.languages.
  std::vector<float> languages(const WindowCache& window);
  int sequences() const { return static_cast<int>(caches_.size()); }

 private:
  struct Sequence {
    size_t window = 0;
    SelfCache* self = nullptr;
    std::vector<int> made{};
    std::vector<float> logprobs{};  // of each token made
    double sum = 0;                 // of log probabilities
    float* logits = nullptr;
    float top = 0, log_sum = 0;  // the largest of logits, and log Σ exp(logit - top)
    double draw = 0;             // uniform in [0, 1), for sampling
    int next = 0;                // the token chosen, unless there are beams
  };
  struct Done {
    std::vector<int> tokens;
    std::vector<float> logprobs;
    double sum = 0;
    size_t length = 0;  // tokens that sum is over
  };
  void advance(std::vector<Sequence>& live, const std::vector<const WindowCache*>& windows, const std::vector<int>& prompt,
               bool first, const SearchOptions& options, std::vector<Found>& found);
  void widen(std::vector<Sequence>& live, std::vector<std::vector<Done>>& done, size_t prompt, int beam);

  const Model& model_;
  int threads_;
  Step step_;
  std::vector<SelfCache> caches_;
  std::vector<Row> rows_;
};

}  // namespace decoder
