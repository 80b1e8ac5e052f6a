// A DMA channel of the virtual NPU: its task queue, the descriptor it works on, and where it is in it.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "../design.hpp"
#include "usage.hpp"

namespace npurt_npu {

// The order in which a descriptor touches memory.
class Walk {
 public:
  Walk() = default;
  Walk(const Descriptor& d, uint64_t first_word) : dims_(d.dims), first_(first_word), left_(d.length) {}

  uint32_t left() const { return left_; }
  // Contiguous pieces begun since the last call, and how far it was to them.
  Pieces take_pieces() { return std::exchange(pieces_, {}); }
  // The next at most `words` words, as f(word offset from the base, count) for each contiguous run.
  template <typename F>
  void go(uint32_t words, F&& f) {
    left_ -= words;
    while (words > 0) {
      uint32_t run = dims_[0].step != 1 ? 1 : words;
      if (dims_[0].size && dims_[0].size - at_[0] < run) run = dims_[0].size - at_[0];
      uint64_t offset = first_;
      for (size_t i = 0; i < 4; ++i) offset += uint64_t{at_[i]} * dims_[i].step;
      f(offset, run);
      words -= run;
      if (at_[0] == 0 || dims_[0].step != 1) {
        pieces_.add(pieces_begun_ ? 4 * (offset > last_ ? offset - last_ : last_ - offset) : kPage);
        pieces_begun_ = true;
        last_ = offset;
      }
      at_[0] += run;
      for (size_t i = 0; i < 3 && dims_[i].size && at_[i] == dims_[i].size; ++i) at_[i] = 0, ++at_[i + 1];
    }
  }

 private:
  std::array<Dim, 4> dims_{};
  std::array<uint32_t, 4> at_{};
  uint64_t first_ = 0;
  uint32_t left_ = 0;
  Pieces pieces_;
  bool pieces_begun_ = false;
  uint64_t last_ = 0;  // where the last one began
};

struct Task {
  unsigned bd = 0, repeat = 0;
  bool token = false;
};

struct Channel {
  Direction direction = Direction::in;
  unsigned number = 0;
  std::deque<Task> queue;
  std::optional<Task> task;  // the one that runs
  unsigned bd = 0;           // of the descriptor that runs, or is about to
  Descriptor descriptor;
  bool active = false;  // descriptor is valid and its lock taken
  Walk walk;
  std::byte* memory = nullptr;  // where descriptor.base points
  uint64_t bytes = 0;           // that may be touched from there
  unsigned tokens = 0;
  uint64_t words = 0;  // moved in this launch
  Pieces pieces;

  bool idle() const { return !task && queue.empty(); }
  bool uses(unsigned id) const {
    if (task && (bd == id || task->bd == id)) return true;
    for (const Task& t : queue)
      if (t.bd == id) return true;
    return false;
  }
};

}  // namespace npurt_npu
