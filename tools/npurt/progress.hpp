// A progress bar for stderr, fed by what the stages themselves report.
#pragma once

#include <chrono>
#include <map>
#include <npurt/runtime.hpp>
#include <string>

namespace npurt::cli {

// "1:02:03", "4:05".
std::string clock(double seconds);

// The bar's text: how much of `total` seconds of audio is done after `elapsed` seconds of work. Width of the bar itself: 30.
std::string progress_line(double done, double total, double elapsed);

// The total is what the graph's source knows; done is what the last node that reports has finished.
class Progress {
 public:
  // Draws only if `show`; clears its line when it goes.
  Progress(const Graph& graph, bool show);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void report(const std::string& node, double done, double total);
  void clear();

 private:
  std::map<std::string, size_t> order_;  // position in the graph; sources are 0
  std::chrono::steady_clock::time_point start_, drawn_;
  size_t last_ = 0;
  double done_ = 0, total_ = 0;
  bool show_, visible_ = false;
};

}  // namespace npurt::cli
