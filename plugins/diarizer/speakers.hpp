// Who speaks when: from embeddings of windows to turns.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace diarizer {

struct Span {
  double begin = 0, end = 0;  // seconds
};

struct Turn {
  double begin = 0, end = 0;
  int speaker = 0;
  bool overlap = false;  // besides another, who has a turn of their own there
};

struct Bounds {
  int least = 1, most = 20;
  float threshold = 0.0875F;  // distance (cluster.hpp) from which two clusters are two speakers
  double support = 1.6;       // seconds of windows below which a cluster is no speaker

  // These bounds where voices are nearer to each other by so many dB of blur (listener.hpp).
  Bounds blurred(double decibels) const;
};

// Windows whose centres lie in speech, in order of time.
struct Windows {
  std::vector<int64_t> centres;   // frames
  std::vector<int> regions;       // of each, an index
  std::vector<float> embeddings;  // [n, kEmbedding]
  std::vector<float> loudness;    // log of the mean power in 0.4 s, at the level that the encoder hears
  int count() const { return static_cast<int>(centres.size()); }
  const float* at(int i) const;
};

// Regions of speech from one probability per 32 ms: begun at 0.5, ended by 160 ms below 0.35, at least 160 ms long.
std::vector<Span> speech_regions(std::span<const float> probability);

// Window centres every kStep frames inside the regions; a region that holds none gets one in its middle.
constexpr int64_t kStep = 40;
Windows place_windows(const std::vector<Span>& regions);

// A mean embedding (length 1) for each speaker found: clusters of the windows that sound alike throughout, those of too little
// support left out, then moved to fit the labels that a Viterbi pass over all windows gives (as Diez et al. 2020 do with full
// covariances). Where fewer are found than must speak, the voices that are missed most join them, however short.
// [speakers, kEmbedding]
std::vector<float> find_speakers(const Windows& windows, const Bounds& bounds, int threads);

// The speaker of every window: the path of most cosine similarity in which every change of speaker costs, and less between
// regions than inside one.
std::vector<int> label(const Windows& windows, const std::vector<float>& speakers);

// Turns in order of time, each 0.08 s longer than its regions at either end where there is room; pauses of one speaker under
// 0.6 s are closed.
std::vector<Turn> turns_of(const std::vector<Span>& regions, const Windows& windows, const std::vector<int>& labels);

}  // namespace diarizer
