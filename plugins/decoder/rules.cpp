#include "rules.hpp"

#include <algorithm>

namespace decoder {

namespace {
constexpr int kFirstAtMost = 50;  // 1.0 s in steps of 0.02 s
}

Rules::Rules(const Facts& facts, bool timestamps) : facts_(facts), timestamps_(timestamps), always_(facts.suppress) {
  for (int id = facts.sot; id < (timestamps ? facts.timestamp_begin : facts.vocab); ++id) always_.push_back(id);
}

void Rules::apply(float* logits, const std::vector<int>& made, int heard) const {
  for (int id : always_) logits[id] = kNever;
  if (made.empty())
    for (int id : facts_.suppress_begin) logits[id] = kNever;
  if (!timestamps_) return;

  const int begin = facts_.timestamp_begin;
  float* stamps = logits + begin;
  const int count = facts_.vocab - begin;
  auto is_stamp = [&](size_t back) { return made.size() >= back && made[made.size() - back] >= begin; };
  if (is_stamp(1)) {
    if (made.size() < 2 || is_stamp(2)) std::fill_n(stamps, count, kNever);  // a pair is complete: text comes next
    else std::fill_n(logits, facts_.eot, kNever);                            // an open one: its other half, or the end
    if (made.size() > 1 && made.back() < begin + heard) logits[facts_.eot] = kNever;
  }
  for (size_t i = made.size(); i-- > 0;)
    if (made[i] >= begin) {
      // A segment may not end where it began.
      const int from = is_stamp(1) && !is_stamp(2) ? made[i] : made[i] + 1;
      std::fill(stamps, stamps + std::min(count, from - begin), kNever);
      break;
    }
  if (made.empty()) {
    std::fill_n(logits, begin, kNever);
    if (count > kFirstAtMost + 1) std::fill(stamps + kFirstAtMost + 1, stamps + count, kNever);
  }
  // If all timestamps together are likelier than any other token, one of them it is.
  float top = 0, log_sum = 0;
  kernels().log_sum_exp(stamps, count, &top, &log_sum);
  if (top > kNever / 2 && top + log_sum > kernels().largest(logits, begin)) std::fill_n(logits, begin, kNever);
}

}  // namespace decoder
