#include "regions.hpp"

#include <algorithm>

namespace vad {

void Regions::push(std::span<const float> probability, std::deque<Span>& out) {
  for (float p : probability) {
    const int64_t at = step_++ * kStep;
    if (p >= rules_.on) {
      quiet_ = -1;
      if (begin_ < 0) begin_ = at;
    }
    if (begin_ < 0) continue;
    recent_.push_back(p);
    if (p < rules_.off) {
      if (quiet_ < 0) quiet_ = at;
      if (at - quiet_ >= rules_.silence) {
        close(quiet_, out);
        continue;
      }
    }
    if (at + 2 * kStep - begin_ + 2 * rules_.pad > rules_.longest_region()) cut(out);
  }
}

// Cuts where speech was least likely in the second half.
void Regions::cut(std::deque<Span>& out) {
  const auto half = recent_.begin() + static_cast<std::ptrdiff_t>(recent_.size() / 2);
  const auto least = std::min_element(half, recent_.end());
  const int64_t at = begin_ + (least - recent_.begin()) * kStep + kStep / 2;
  out.push_back({std::max(last_end_, begin_ - rules_.pad), at});
  last_end_ = at;
  recent_.erase(recent_.begin(), least + 1);
  begin_ = at + kStep / 2;
  quiet_ = -1;
  continued_ = true;
}

void Regions::close(int64_t end, std::deque<Span>& out) {
  if (continued_ || end - begin_ > rules_.least) {
    const int64_t from = continued_ ? last_end_ : std::max(last_end_, begin_ - rules_.pad);
    out.push_back({from, std::max(begin_, end) + rules_.pad});
    last_end_ = out.back().end;
  }
  begin_ = quiet_ = -1;
  continued_ = false;
  recent_.clear();
}

void Regions::finish(int64_t total, std::deque<Span>& out) {
  if (begin_ < 0) return;
  const size_t before = out.size();
  close(total, out);
  if (out.size() > before) out.back().end = std::min(out.back().end, total);
}

int64_t Regions::needed() const { return std::max(last_end_, (begin_ >= 0 ? begin_ : step_ * kStep) - rules_.pad); }

}  // namespace vad
