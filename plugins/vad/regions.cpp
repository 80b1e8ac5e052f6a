#include "regions.hpp"

#include <algorithm>

namespace vad {

void Packer::push(std::span<const float> probability, std::deque<Window>& ready) {
  for (float p : probability) {
    const int64_t at = step_++ * kStep;
    if (begin_ < 0 && p >= rules_.on) {
      begin_ = at;
      quiet_ = -1;
      recent_.clear();
    }
    if (begin_ < 0) continue;
    recent_.push_back(p);
    if (p >= rules_.off) quiet_ = -1;
    else if (quiet_ < 0) quiet_ = at;
    if (quiet_ >= 0 && at + kStep - quiet_ >= rules_.silence) close_region(quiet_, ready);
    else if (at + kStep - begin_ + 2 * rules_.pad >= rules_.most) cut_long(ready);
  }
}

// An open region as long as a window is cut where speech was least likely in its second half.
void Packer::cut_long(std::deque<Window>& ready) {
  const auto half = recent_.begin() + static_cast<std::ptrdiff_t>(recent_.size() / 2);
  const auto least = std::min_element(half, recent_.end() - 1);
  const int64_t cut = begin_ + (least - recent_.begin()) * kStep + kStep / 2;
  add({std::max(last_end_, begin_ - rules_.pad), cut}, ready);
  recent_.erase(recent_.begin(), least + 1);
  begin_ = cut;
  quiet_ = -1;
}

void Packer::close_region(int64_t end, std::deque<Window>& ready) {
  if (end - begin_ >= rules_.least) add({std::max(last_end_, begin_ - rules_.pad), end + rules_.pad}, ready);
  begin_ = quiet_ = -1;
  recent_.clear();
}

void Packer::add(Span region, std::deque<Window>& ready) {
  last_end_ = region.end;
  if (!window_.regions.empty() && (region.end - window_.span.begin > rules_.most || region.begin - window_.span.end > rules_.gap))
    flush(ready);
  if (window_.regions.empty()) window_.span = region;
  window_.span.end = region.end;
  window_.regions.push_back(region);
}

void Packer::flush(std::deque<Window>& ready) {
  if (!window_.regions.empty()) ready.push_back(std::move(window_));
  window_ = {};
}

void Packer::finish(int64_t total, std::deque<Window>& ready) {
  if (begin_ >= 0) close_region(quiet_ >= 0 ? quiet_ : total, ready);
  flush(ready);
  if (!ready.empty()) {
    Window& w = ready.back();
    w.span.end = std::min(w.span.end, total);
    w.regions.back().end = std::min(w.regions.back().end, total);
  }
}

int64_t Packer::needed() const {
  if (!window_.regions.empty()) return window_.span.begin;
  return std::max(last_end_, (begin_ >= 0 ? begin_ : step_ * kStep) - rules_.pad);
}

}  // namespace vad
