// From probabilities of speech to windows worth transcribing. All positions are samples of 16 kHz audio.
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

struct Window {
  Span span;
  std::vector<Span> regions;  // of speech, inside span
};

struct Rules {
  float on = 0.5F, off = 0.35F;  // a region begins at `on`, and ends once below `off` for `silence`
  int64_t silence = kRate / 2;   // shorter pauses do not end a region
  int64_t least = kRate / 10;    // shorter regions are no speech
  int64_t pad = kRate / 4;       // kept on either side of a region
  int64_t gap = 4 * kRate;       // a longer pause ends a window
  int64_t most = 30 * kRate;     // longest window
};

// Fed probabilities as they come, gives windows as soon as nothing later can change them.
class Packer {
 public:
  explicit Packer(Rules rules) : rules_(rules) {}
  void reset() { *this = Packer(rules_); }
  // One probability per kStep samples.
  void push(std::span<const float> probability, std::deque<Window>& ready);
  // The file has `total` samples; speech that had not ended ends there.
  void finish(int64_t total, std::deque<Window>& ready);
  // No window that is yet to come begins before this.
  int64_t needed() const;

 private:
  void close_region(int64_t end, std::deque<Window>& ready);
  void add(Span region, std::deque<Window>& ready);
  void flush(std::deque<Window>& ready);
  void cut_long(std::deque<Window>& ready);

  Rules rules_;
  std::vector<float> recent_;  // probabilities of the open region
  int64_t step_ = 0;           // of the next probability
  int64_t begin_ = -1;         // of the open region; -1: none is open
  int64_t quiet_ = -1;         // since when it is below `off`
  int64_t last_end_ = 0;       // nothing before this may be used again
  Window window_;
};

}  // namespace vad
