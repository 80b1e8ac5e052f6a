#include "align.hpp"

#include <algorithm>
#include <cmath>

namespace decoder {

namespace {

void order(float& a, float& b) {
  const float low = std::min(a, b);
  b = std::max(a, b);
  a = low;
}

// Each value becomes the median of the 7 around it; beyond the ends, the row is mirrored. By a sorting network (16 comparisons,
// Knuth, The Art of Computer Programming 3, 5.3.4) without what only orders the others, because the compiler does a register full
// of medians at once.
void median(float* row, int64_t n, std::vector<float>& padded) {
  constexpr int64_t kHalf = 3;
  if (n <= kHalf) return;
  padded.resize(static_cast<size_t>(n + 2 * kHalf));
  std::copy_n(row, n, padded.begin() + kHalf);
  for (int64_t i = 0; i < kHalf; ++i) {
    padded[static_cast<size_t>(i)] = row[kHalf - i];
    padded[static_cast<size_t>(n + 2 * kHalf - 1 - i)] = row[n - 1 - kHalf + i];
  }
  const float* in = padded.data();
  for (int64_t t = 0; t < n; ++t) {
    float a = in[t], b = in[t + 1], c = in[t + 2], d = in[t + 3], e = in[t + 4], f = in[t + 5], g = in[t + 6];
    order(a, g);
    order(c, d);
    order(e, f);
    order(a, c);
    order(b, e);
    order(d, g);
    order(a, b);
    order(c, f);
    order(d, e);
    order(b, c);
    order(e, g);
    order(c, d);
    order(e, f);
    order(d, e);
    row[t] = d;
  }
}

}  // namespace

std::vector<int> warp(const std::vector<float>& cost, int64_t rows, int64_t columns) {
  enum Step : uint8_t { both, down, right };
  std::vector<uint8_t> came(static_cast<size_t>(rows * columns));
  std::vector<float> above(static_cast<size_t>(columns + 1), INFINITY), here(above);
  above[0] = 0;
  for (int64_t i = 0; i < rows; ++i) {
    here[0] = INFINITY;
    for (int64_t j = 0; j < columns; ++j) {
      const size_t at = static_cast<size_t>(j);
      const float from[] = {above[at], above[at + 1], here[at]};
      const auto step = static_cast<uint8_t>(std::min_element(from, from + 3) - from);
      came[static_cast<size_t>(i * columns + j)] = step;
      here[at + 1] = from[step] + cost[static_cast<size_t>(i * columns + j)];
    }
    std::swap(above, here);
  }
  std::vector<int> begin(static_cast<size_t>(rows));
  for (int64_t i = rows - 1, j = columns - 1; i >= 0 && j >= 0;) {
    begin[static_cast<size_t>(i)] = static_cast<int>(j);
    const uint8_t step = came[static_cast<size_t>(i * columns + j)];
    if (step != right) --i;
    if (step != down) --j;
  }
  return begin;
}

std::vector<int> align(const std::vector<float>& heard, int64_t tokens, int64_t heads, int64_t context, int64_t frames,
                       int64_t first) {
  std::vector<float> cost(static_cast<size_t>((tokens - first) * frames)), weights(static_cast<size_t>(tokens * frames)), padded,
      mean(static_cast<size_t>(frames)), inverse(mean);
  for (int64_t head = 0; head < heads; ++head) {
    std::vector<double> sum(static_cast<size_t>(frames)), squares(sum);
    for (int64_t i = 0; i < tokens; ++i) {
      const float* from = heard.data() + (i * heads + head) * context;
      float* to = weights.data() + i * frames;
      double total = 0;
      for (int64_t t = 0; t < frames; ++t) total += from[t];
      const auto share = static_cast<float>(1 / std::max(total, 1e-30));
      for (int64_t t = 0; t < frames; ++t) {
        to[t] = from[t] * share;
        sum[static_cast<size_t>(t)] += to[t];
        squares[static_cast<size_t>(t)] += static_cast<double>(to[t]) * to[t];
      }
    }
    for (size_t t = 0; t < sum.size(); ++t) {
      const double average = sum[t] / static_cast<double>(tokens),
                   variance = squares[t] / static_cast<double>(tokens) - average * average;
      mean[t] = static_cast<float>(average);
      inverse[t] = static_cast<float>(1 / std::sqrt(std::max(variance, 1e-20)));
    }
    for (int64_t i = first; i < tokens; ++i) {
      float* row = weights.data() + i * frames;
      for (int64_t t = 0; t < frames; ++t) row[t] = (row[t] - mean[static_cast<size_t>(t)]) * inverse[static_cast<size_t>(t)];
      median(row, frames, padded);
      for (int64_t t = 0; t < frames; ++t)
        cost[static_cast<size_t>((i - first) * frames + t)] -= row[t] / static_cast<float>(heads);
    }
  }
  return warp(cost, tokens - first, frames);
}

}  // namespace decoder
