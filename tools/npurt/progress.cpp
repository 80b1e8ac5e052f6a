#include "progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace npurt::cli {

using std::chrono::duration;
using std::chrono::steady_clock;

std::string clock(double seconds) {
  long s = std::lround(std::max(0.0, seconds));
  char text[32];
  if (s >= 3600) std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else std::snprintf(text, sizeof text, "%ld:%02ld", s / 60, s % 60);
  return text;
}

std::string progress_line(double done, double total, double elapsed) {
  constexpr int kWidth = 30;
  const double part = total > 0 ? std::clamp(done / total, 0.0, 1.0) : 0;
  const int full = static_cast<int>(part * kWidth);
  std::string line = "[" + std::string(full, '=') + std::string(kWidth - full, ' ') + "]";
  if (total > 0) line += " " + std::to_string(static_cast<int>(part * 100)) + " %  " + clock(done) + " of " + clock(total);
  else if (done > 0) line += " " + clock(done);
  if (done > 0 && elapsed > 0) line += "  " + std::to_string(std::lround(done / elapsed)) + "x realtime";
  if (done > 0 && part > 0) line += "  ETA " + clock(elapsed * (1 - part) / part);
  return line;
}

Progress::Progress(const Graph& graph, bool show) : start_(steady_clock::now()), show_(show) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) order_[graph.nodes[i].id] = graph.nodes[i].in.empty() ? 0 : i + 1;
}

void Progress::report(const std::string& node, double done, double total) {
  const size_t at = order_.count(node) ? order_[node] : 0;
  if (at == 0) total_ = std::max(total_, total);
  else if (at >= last_) last_ = at, done_ = done;
  const auto now = steady_clock::now();
  if (!show_ || (visible_ && duration<double>(now - drawn_).count() < 0.1)) return;
  std::fprintf(stderr, "\r\033[K%s", progress_line(done_, total_, duration<double>(now - start_).count()).c_str());
  std::fflush(stderr);
  drawn_ = now;
  visible_ = true;
}

void Progress::clear() {
  if (visible_) std::fputs("\r\033[K", stderr), std::fflush(stderr);
  visible_ = false;
}

}  // namespace npurt::cli
