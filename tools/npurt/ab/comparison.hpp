// One node's candidates a and b, measured in one process: what `npurt ab` finds out.
#pragma once

#include <map>
#include <npurt/runtime.hpp>
#include <string>
#include <vector>

#include "error.hpp"
#include "selection.hpp"
#include "statistics.hpp"
#include "words.hpp"

namespace npurt::cli {

// One candidate: what it took in each run over all inputs, and what was heard.
struct Side {
  std::string candidate;
  std::vector<std::string> uses;  // what the plan made of it: "cpu" -> "cpu:int8"; sorted, each once
  std::vector<double> node_wall_s, node_cpu_s, wall_s, cpu_s;
  std::vector<double> joules;     // empty where energy is not readable
  int64_t calls = 0;              // of the compared nodes, in one run over all inputs
  uint64_t bytes_moved = 0;       // inputs and outputs of those calls
  std::vector<Transcript> heard;  // per input
};

struct Comparison {
  std::string graph, pattern;
  std::vector<std::string> inputs, nodes;
  int runs = 0;
  Side a, b;
  std::map<std::string, ValueError> errors;  // per node: b's values on a's inputs, all calls of one run
  std::string no_errors;                     // why `errors` is empty
  std::string energy;                        // where energy is read, or why not

  Ratio node_wall() const { return compare(a.node_wall_s, b.node_wall_s); }
  Ratio node_cpu() const { return compare(a.node_cpu_s, b.node_cpu_s); }
  Ratio wall() const { return compare(a.wall_s, b.wall_s); }
  Ratio cpu() const { return compare(a.cpu_s, b.cpu_s); }
  Ratio joules() const { return compare(a.joules, b.joules); }

  // What compare_transcripts found: flips of words per input; words and tokens of a.
  std::vector<std::vector<Flip>> flips;
  int words = 0, word_edits = 0, tokens = 0, token_edits = 0;

  void compare_transcripts();
  ValueError error() const;        // of all nodes together
  double word_error_rate() const;  // edits per word of a; 0 if neither has words, 1 if only b has
  // What no speed makes good: sentences, empty if b's results are usable.
  std::vector<std::string> broken() const;
};

struct ComparisonOptions {
  Selection selection;
  std::vector<std::string> inputs;
  std::string pattern, a, b;
  int runs = 20;
};

// Measures; `progress` is told of each finished pair. Stops early, with fewer runs, once `cancel` is set. Throws Error.
Comparison measure(const ComparisonOptions& options, const std::atomic<bool>& cancel, const std::function<void(int)>& progress);

// For people, for programs, for browsers.
std::string text(const Comparison& c);
std::string json(const Comparison& c);
std::string html(const Comparison& c);

}  // namespace npurt::cli
