#include "packer.hpp"

#include <algorithm>

namespace vad {

void Packer::push(std::span<const float> probability, std::deque<Window>& ready) {
  regions_.push(probability, found_);
  for (; !found_.empty(); found_.pop_front()) add(found_.front(), ready);
  // In a long pause the window must not wait for the next region: all audio since its begin would wait with it.
  if (const int64_t next = regions_.needed(); !open_.empty() && next - open_.back().end > rules_.gap)
    give(open_.size(), next, ready);
}

void Packer::finish(int64_t total, std::deque<Window>& ready) {
  regions_.finish(total, found_);
  for (; !found_.empty(); found_.pop_front()) add(found_.front(), ready);
  give(open_.size(), total, ready);
}

void Packer::add(Span region, std::deque<Window>& ready) {
  if (!open_.empty() && region.begin - open_.back().end > rules_.gap) give(open_.size(), region.begin, ready);
  while (!open_.empty() && region.end - open_.front().begin > rules_.longest_region()) {
    const size_t count = best_cut(region);
    give(count, count < open_.size() ? open_[count].begin : region.begin, ready);
  }
  open_.push_back(region);
}

// How many regions to give before `next`: up to the longest pause of the window's second half.
size_t Packer::best_cut(Span next) const {
  size_t best = open_.size();
  int64_t longest = next.begin - open_.back().end;
  for (size_t i = open_.size() - 1; i > 0 && open_[i - 1].end - open_[0].begin >= rules_.most / 2; --i)
    if (const int64_t pause = open_[i].begin - open_[i - 1].end; pause > longest) longest = pause, best = i;
  return best;
}

// The first `count` open regions become a window, which ends before `next`.
void Packer::give(size_t count, int64_t next, std::deque<Window>& ready) {
  if (count == 0) return;
  const auto end = open_.begin() + static_cast<std::ptrdiff_t>(count);
  Window w;
  w.regions.assign(open_.begin(), end);
  w.span = {std::max(last_end_, w.regions.front().begin - rules_.margin),
            std::min(std::max(next, w.regions.back().end), w.regions.back().end + rules_.margin)};
  last_end_ = w.span.end;
  open_.erase(open_.begin(), end);
  ready.push_back(std::move(w));
}

int64_t Packer::needed() const {
  const int64_t next = open_.empty() ? regions_.needed() : open_.front().begin;
  return std::max(last_end_, next - rules_.margin);
}

}  // namespace vad
