// How the stages share the rows of a matrix among threads: blocks that fit the L2 cache, together with all that is done to them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace npurt_cpu {

class Blocks {
 public:
  // Blocks of about `most` rows; as many for each thread.
  Blocks(int64_t rows, int64_t most, int threads) : rows_(rows) {
    int64_t rounds = (rows + threads * most - 1) / (threads * most);
    height_ = (rows + threads * rounds - 1) / (threads * rounds);
    if (height_ > 16) height_ = (height_ + 15) / 16 * 16;
    count_ = (rows + height_ - 1) / height_;
  }
  int64_t count() const { return count_; }
  int64_t height() const { return height_; }
  int64_t first(int64_t block) const { return block * height_; }
  int64_t rows(int64_t block) const { return std::min(height_, rows_ - first(block)); }
  std::vector<int64_t> heights() const {
    int64_t last = rows(count_ - 1);
    return last == height_ ? std::vector<int64_t>{height_} : std::vector<int64_t>{height_, last};
  }

 private:
  int64_t rows_, height_ = 1, count_ = 1;
};

}  // namespace npurt_cpu
