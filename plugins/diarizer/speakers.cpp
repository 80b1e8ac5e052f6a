#include "speakers.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cluster.hpp"
#include "encoder.hpp"

namespace diarizer {

namespace {

constexpr double kWindowStep = static_cast<double>(kStep) / kFramesPerSecond;  // seconds
constexpr float kAlike = 0.6F;        // least cosine of the windows half a window before and after one that counts as pure
constexpr int kMostClustered = 4000;  // windows; above, every k-th is clustered, and all are labelled
constexpr float kSure = 40, kChange = 6, kChangeBetweenRegions = 1.8F;
constexpr double kPause = 0.6, kPad = 0.08;

// Windows that hold one voice from beginning to end, as far as their neighbours tell.
std::vector<int> pure(const Windows& w) {
  constexpr int kHalf = kWindow / 2 / kStep;
  std::vector<int> some;
  const int n = w.count();
  for (int i = 0; i < n; ++i) {
    const bool inside = i >= kHalf && i + kHalf < n &&
                        w.centres[static_cast<size_t>(i + kHalf)] - w.centres[static_cast<size_t>(i - kHalf)] == kWindow &&
                        w.regions[static_cast<size_t>(i - kHalf)] == w.regions[static_cast<size_t>(i + kHalf)];
    if (!inside || dot(w.at(i - kHalf), w.at(i + kHalf)) >= kAlike) some.push_back(i);
  }
  if (static_cast<int>(some.size()) < std::max(2, n / 3)) {
    some.clear();
    for (int i = 0; i < n; ++i) some.push_back(i);
  }
  const size_t each = (some.size() + kMostClustered - 1) / kMostClustered;
  if (each < 2) return some;
  std::vector<int> fewer;
  for (size_t i = 0; i < some.size(); i += each) fewer.push_back(some[i]);
  return fewer;
}

// The mean of a window and of those 0.4 s away that sound like it.
std::vector<float> smoothed(const Windows& w, int i) {
  std::vector<float> mean(kEmbedding);
  for (int j = std::max(0, i - 1); j <= std::min(w.count() - 1, i + 1); ++j)
    if (w.regions[static_cast<size_t>(j)] == w.regions[static_cast<size_t>(i)] && dot(w.at(i), w.at(j)) >= kAlike)
      for (int k = 0; k < kEmbedding; ++k) mean[static_cast<size_t>(k)] += w.at(j)[k];
  normalise(mean.data());
  return mean;
}

std::vector<int> sizes(const std::vector<int>& labels) {
  std::vector<int> n;
  for (int l : labels) {
    if (l >= static_cast<int>(n.size())) n.resize(static_cast<size_t>(l) + 1);
    ++n[static_cast<size_t>(l)];
  }
  return n;
}

int supported(const std::vector<int>& labels, int least) {
  const std::vector<int> s = sizes(labels);
  return static_cast<int>(std::count_if(s.begin(), s.end(), [&](int k) { return k >= least; }));
}

// What the threshold leaves, if that is not too many speakers. Else other cuts too, of which the largest clusters may be the
// speakers: some clusters may be one voice, and some none.
std::vector<std::vector<int>> possible_cuts(const std::vector<Merge>& merges, int n, const Bounds& bounds, int least) {
  constexpr float kFinest = 0.4F;  // of the threshold
  std::vector<std::vector<int>> cuts = {cut(merges, n, bounds.threshold)};
  int before = supported(cuts.front(), least);
  if (before <= bounds.most) return cuts;
  for (const Merge& m : merges) {
    if (m.distance < bounds.threshold * kFinest) continue;
    std::vector<int> labels = cut(merges, n, m.distance);
    const int clusters = supported(labels, least);
    if (clusters != before && clusters >= bounds.least) cuts.push_back(std::move(labels));
    before = clusters;
  }
  return cuts;
}

void add(std::vector<float>& sums, int speaker, const float* x) {
  for (int j = 0; j < kEmbedding; ++j) sums[static_cast<size_t>(speaker * kEmbedding + j)] += x[j];
}

// The means of the largest clusters, as many as may be.
std::vector<float> largest(const std::vector<float>& x, const std::vector<int>& labels, int most, int least) {
  const std::vector<int> size = sizes(labels);
  std::vector<int> order(size.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return size[static_cast<size_t>(a)] > size[static_cast<size_t>(b)]; });
  const int kept = std::clamp(supported(labels, least), 1, most);
  std::vector<int> becomes(size.size(), -1);
  for (int k = 0; k < kept; ++k) becomes[static_cast<size_t>(order[static_cast<size_t>(k)])] = k;
  std::vector<float> speakers(static_cast<size_t>(kept * kEmbedding));
  for (size_t i = 0; i < labels.size(); ++i)
    if (const int k = becomes[static_cast<size_t>(labels[i])]; k >= 0) add(speakers, k, x.data() + i * kEmbedding);
  for (int k = 0; k < kept; ++k) normalise(speakers.data() + k * kEmbedding);
  return speakers;
}

// Moves the means to fit the labels that they give; those of too little support go.
std::vector<float> refined(const Windows& windows, std::vector<float> speakers, const Bounds& bounds) {
  constexpr int kRounds = 4;
  for (int round = 0; round < kRounds; ++round) {
    const int kept = static_cast<int>(speakers.size()) / kEmbedding;
    const std::vector<int> path = label(windows, speakers);
    std::vector<float> sums(speakers.size());
    std::vector<int> support(static_cast<size_t>(kept));
    for (int i = 0; i < windows.count(); ++i) {
      add(sums, path[static_cast<size_t>(i)], windows.at(i));
      ++support[static_cast<size_t>(path[static_cast<size_t>(i)])];
    }
    std::vector<float> next;
    int left = kept;
    for (int k = 0; k < kept; ++k) {
      const bool weak = support[static_cast<size_t>(k)] * kWindowStep < bounds.support;
      if (weak && left > std::max(1, bounds.least)) {
        --left;
        continue;
      }
      const float* from = (support[static_cast<size_t>(k)] ? sums : speakers).data() + k * kEmbedding;
      next.insert(next.end(), from, from + kEmbedding);
      normalise(next.data() + next.size() - kEmbedding);
    }
    speakers = std::move(next);
  }
  return speakers;
}

bool in_one_region(const Windows& w, int i) {
  return i > 0 && w.regions[static_cast<size_t>(i)] == w.regions[static_cast<size_t>(i - 1)];
}

// What the best path over these speakers comes to.
double worth(const Windows& windows, const std::vector<float>& speakers) {
  const std::vector<int> path = label(windows, speakers);
  double sum = 0;
  for (size_t i = 0; i < path.size(); ++i) {
    sum += kSure * dot(windows.at(static_cast<int>(i)), speakers.data() + path[i] * kEmbedding);
    if (i && path[i] != path[i - 1]) sum -= in_one_region(windows, static_cast<int>(i)) ? kChange : kChangeBetweenRegions;
  }
  return sum;
}

// Speakers, and further clusters of x until they are as many as must speak: each time the one that the best path gains most
// from.
std::vector<float> joined(const Windows& windows, const std::vector<float>& x, const std::vector<Merge>& merges,
                          std::vector<float> speakers, const Bounds& bounds, int threads) {
  constexpr size_t kMerges = 200;  // the last ones: earlier ones join what is one voice
  const int n = static_cast<int>(x.size()) / kEmbedding;
  const std::vector<std::vector<int>> voices = branches(merges, n, std::min(kMerges, merges.size()));
  while (static_cast<int>(speakers.size()) / kEmbedding < bounds.least && !voices.empty()) {
    auto with = [&](const std::vector<int>& voice) {
      std::vector<float> more = speakers, mean(kEmbedding);
      for (int i : voice) add(mean, 0, x.data() + i * kEmbedding);
      normalise(mean.data());
      more.insert(more.end(), mean.begin(), mean.end());
      return more;
    };
    std::vector<double> gain(voices.size());
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (size_t v = 0; v < voices.size(); ++v) gain[v] = worth(windows, with(voices[v]));
    const auto most = std::max_element(gain.begin(), gain.end());
    if (*most <= worth(windows, speakers)) break;  // nobody is missed
    speakers = with(voices[static_cast<size_t>(most - gain.begin())]);
  }
  return refined(windows, speakers, bounds);
}

}  // namespace

Bounds Bounds::blurred(double decibels) const {
  constexpr double kPerDecibel = 0.001;
  constexpr float kLeast = 0.01F;
  Bounds b = *this;
  b.threshold = std::max(kLeast, threshold - static_cast<float>(kPerDecibel * decibels));
  return b;
}

const float* Windows::at(int i) const { return embeddings.data() + static_cast<long>(i) * kEmbedding; }

std::vector<Span> speech_regions(std::span<const float> probability) {
  constexpr double kSecond = 512.0 / kRate;
  constexpr int kSilence = 5, kLeast = 5;
  std::vector<Span> regions;
  int begin = -1, quiet = -1;
  auto close = [&](int end) {
    if (end - begin >= kLeast) regions.push_back({begin * kSecond, end * kSecond});
    begin = -1;
  };
  const int n = static_cast<int>(probability.size());
  for (int i = 0; i < n; ++i) {
    const float p = probability[static_cast<size_t>(i)];
    if (begin < 0 && p >= 0.5F) {
      begin = i;
      quiet = -1;
    }
    if (begin < 0) continue;
    if (p >= 0.35F) quiet = -1;
    else if (quiet < 0) quiet = i;
    if (quiet >= 0 && i + 1 - quiet >= kSilence) close(quiet);
  }
  if (begin >= 0) close(quiet >= 0 ? quiet : n);
  return regions;
}

Windows place_windows(const std::vector<Span>& regions) {
  Windows w;
  for (size_t r = 0; r < regions.size(); ++r) {
    const double first = std::ceil(regions[r].begin * kFramesPerSecond / kStep),
                 last = std::floor(regions[r].end * kFramesPerSecond / kStep);
    for (double k = first; k <= last; ++k) w.centres.push_back(static_cast<int64_t>(k) * kStep);
    if (first > last) w.centres.push_back(static_cast<int64_t>((regions[r].begin + regions[r].end) / 2 * kFramesPerSecond));
    w.regions.resize(w.centres.size(), static_cast<int>(r));
  }
  return w;
}

std::vector<float> find_speakers(const Windows& windows, const Bounds& bounds, int threads) {
  if (!windows.count()) return {};
  const std::vector<int> some = pure(windows);
  const int n = static_cast<int>(some.size());
  std::vector<float> x;
  for (int i : some) {
    const std::vector<float> mean = smoothed(windows, i);
    x.insert(x.end(), mean.begin(), mean.end());
  }
  const double share = static_cast<double>(n) / windows.count();  // when every k-th is clustered, support counts k-fold
  const int least =
      std::max(1, static_cast<int>(std::ceil(bounds.support / kWindowStep * std::min(1.0, n < kMostClustered ? 1.0 : share))));
  const std::vector<Merge> merges = cluster(x, n, kEmbedding, threads);
  std::vector<float> best;
  double best_score = 0;
  for (const std::vector<int>& labels : possible_cuts(merges, n, bounds, least)) {
    std::vector<float> speakers = refined(windows, largest(x, labels, bounds.most, least), bounds);
    if (static_cast<int>(speakers.size()) / kEmbedding < bounds.least)
      speakers = joined(windows, x, merges, std::move(speakers), bounds, threads);
    const double score = worth(windows, speakers);
    if (!best.empty() && score <= best_score) continue;
    best = std::move(speakers);
    best_score = score;
  }
  return best;
}

std::vector<int> label(const Windows& windows, const std::vector<float>& speakers) {
  const int n = windows.count(), k = static_cast<int>(speakers.size()) / kEmbedding;
  if (!n) return {};
  std::vector<float> score(static_cast<size_t>(k));
  std::vector<int> from(static_cast<size_t>(n * k));
  for (int i = 0; i < n; ++i) {
    const int best = static_cast<int>(std::max_element(score.begin(), score.end()) - score.begin());
    const float jump = score[static_cast<size_t>(best)] - (in_one_region(windows, i) ? kChange : kChangeBetweenRegions);
    for (int s = 0; s < k; ++s) {
      float& value = score[static_cast<size_t>(s)];
      from[static_cast<size_t>(i * k + s)] = value >= jump ? s : best;
      value = std::max(value, jump) + kSure * dot(windows.at(i), speakers.data() + s * kEmbedding);
    }
  }
  std::vector<int> path(static_cast<size_t>(n));
  int s = static_cast<int>(std::max_element(score.begin(), score.end()) - score.begin());
  for (int i = n - 1; i >= 0; --i) {
    path[static_cast<size_t>(i)] = s;
    s = from[static_cast<size_t>(i * k + s)];
  }
  return path;
}

std::vector<Turn> turns_of(const std::vector<Span>& regions, const Windows& windows, const std::vector<int>& labels) {
  std::vector<Turn> turns;
  for (int i = 0; i < windows.count(); ++i) {
    const size_t at = static_cast<size_t>(i);
    const Span& region = regions[static_cast<size_t>(windows.regions[at])];
    const bool first = i == 0 || windows.regions[at - 1] != windows.regions[at];
    const bool last = i + 1 == windows.count() || windows.regions[at + 1] != windows.regions[at];
    auto between = [&](size_t a, size_t b) {
      return static_cast<double>(windows.centres[a] + windows.centres[b]) / 2 / kFramesPerSecond;
    };
    const double begin = first ? region.begin : between(at - 1, at), end = last ? region.end : between(at, at + 1);
    const bool goes_on = !turns.empty() && turns.back().speaker == labels[at] && begin - turns.back().end < kPause;
    if (goes_on) turns.back().end = end;
    else turns.push_back({begin, end, labels[at], false});
  }
  // Turns do not reach into each other.
  std::vector<Turn> padded = turns;
  for (size_t i = 0; i < turns.size(); ++i) {
    const double before = i ? (turns[i].begin - turns[i - 1].end) / 2 : turns[i].begin;
    const double after = i + 1 < turns.size() ? (turns[i + 1].begin - turns[i].end) / 2 : kPad;
    padded[i].begin -= std::min(kPad, before);
    padded[i].end += std::min(kPad, after);
  }
  return padded;
}

}  // namespace diarizer
