// From probabilities of speech to regions of speech. All positions are samples of 16 kHz audio.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace vad {

constexpr int64_t kRate = 16000, kStep = 512;

struct Span {
  int64_t begin = 0, end = 0;
  int64_t length() const { return end - begin; }
};

// The first five are those of silero-vad's get_speech_timestamps, with its defaults.
struct Rules {
  float on = 0.5F, off = 0.35F;       // a region begins at `on`; below `off` it may end,
  int64_t silence = kRate / 10;       // if `on` is not seen again for so long
  int64_t least = kRate / 4;          // shorter regions are no speech
  int64_t pad = kRate * 30 / 1000;    // added on either side; at most half of `silence`
  int64_t margin = kRate * 25 / 100;  // audio kept around a window
  int64_t gap = 4 * kRate;            // a longer pause ends a window
  int64_t most = 30 * kRate;          // longest window

  int64_t longest_region() const { return most - 2 * margin; }
};

// Fed probabilities as they come, gives regions in order; they do not overlap. Regions that would not fit into a window are cut.
class Regions {
 public:
  explicit Regions(Rules rules) : rules_(rules) {}
  // One probability per kStep samples.
  void push(std::span<const float> probability, std::deque<Span>& out);
  // The file has `total` samples; speech that had not ended ends there.
  void finish(int64_t total, std::deque<Span>& out);
  // No region that is yet to come begins before this.
  int64_t needed() const;

 private:
  void close(int64_t end, std::deque<Span>& out);
  void cut(std::deque<Span>& out);

  Rules rules_;
  std::vector<float> recent_;  // probabilities of the open region
  int64_t step_ = 0;           // of the next probability
  int64_t begin_ = -1;         // of the open region; -1: none is open
  int64_t quiet_ = -1;         // where the open region may end
  int64_t last_end_ = 0;
  bool continued_ = false;  // the open region is the rest of one that was cut
};

}  // namespace vad
