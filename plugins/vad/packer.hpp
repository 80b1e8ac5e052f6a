// From regions of speech to windows worth transcribing.
#pragma once

#include "regions.hpp"

namespace vad {

struct Window {
  Span span;
  std::vector<Span> regions;  // of speech, inside span
};

// Every region is in exactly one window; windows are in order and do not overlap. A window is given as soon as nothing later can
// change it.
class Packer {
 public:
  explicit Packer(Rules rules) : rules_(rules), regions_(rules) {}
  void reset() { *this = Packer(rules_); }
  // One probability per kStep samples.
  void push(std::span<const float> probability, std::deque<Window>& ready);
  void finish(int64_t total, std::deque<Window>& ready);
  // No window that is yet to come begins before this.
  int64_t needed() const;

 private:
  void add(Span region, std::deque<Window>& ready);
  size_t best_cut(Span next) const;
  void give(size_t count, int64_t next, std::deque<Window>& ready);

  Rules rules_;
  Regions regions_;
  std::deque<Span> found_;
  std::vector<Span> open_;  // regions of the window to come
  int64_t last_end_ = 0;    // of the last window
};

}  // namespace vad
