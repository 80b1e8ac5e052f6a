#include "overlap.hpp"

#include <algorithm>
#include <cmath>

#include "encoder.hpp"

namespace diarizer {

std::vector<int> second_speakers(const std::vector<Span>& regions, const Windows& windows, const std::vector<float>& speakers,
                                 const std::vector<int>& labels) {
  // Fitted to conversations in quiet and in rooms (docs/diarization.md).
  constexpr double kBias = 4.606, kOwn = -14.495, kOther = 4.995, kBefore = 3.52, kAfter = 2.434, kAlike = -6.301,
                   kVoices = 1.542, kChange = -0.318, kEdge = 1.932, kLoud = 1.163;
  constexpr int kNear = 4, kFar = 5;  // windows; a change further away counts as kFar
  const int n = windows.count(), k = static_cast<int>(speakers.size()) / kEmbedding;
  std::vector<int> second(static_cast<size_t>(n), -1);
  if (k < 2) return second;
  auto like = [&](int i, int s) { return static_cast<double>(dot(windows.at(i), speakers.data() + s * kEmbedding)); };
  auto away = [&](int i, int j) {  // windows
    return static_cast<double>(std::abs(windows.centres[static_cast<size_t>(i)] - windows.centres[static_cast<size_t>(j)])) /
           kStep;
  };
  for (int i = 0; i < n; ++i) {
    const int own = labels[static_cast<size_t>(i)];
    int other = -1;
    double change = kFar;
    for (int j = std::max(0, i - kNear); j <= std::min(n - 1, i + kNear); ++j) {
      const int who = labels[static_cast<size_t>(j)];
      const double distance = away(i, j);
      if (who == own || distance > kNear) continue;
      if (other < 0 || distance < change || (distance == change && like(i, who) > like(i, other))) other = who;
      change = std::min(change, distance);
    }
    for (int s = 0; other < 0 && s < k; ++s)
      if (s != own) {
        other = s;
        for (int t = s + 1; t < k; ++t)
          if (t != own && like(i, t) > like(i, other)) other = t;
      }
    auto beside = [&](int j) { return j >= 0 && j < n && away(i, j) <= 2 ? like(j, other) : like(i, other); };
    const bool inside = i >= 2 && i + 2 < n && away(i - 2, i + 2) == 4;
    const Span& region = regions[static_cast<size_t>(windows.regions[static_cast<size_t>(i)])];
    const double at = static_cast<double>(windows.centres[static_cast<size_t>(i)]) / kFramesPerSecond;
    const double score =
        kBias + kOwn * like(i, own) + kOther * like(i, other) + kBefore * beside(i - 1) + kAfter * beside(i + 1) +
        kAlike * (inside ? static_cast<double>(dot(windows.at(i - 2), windows.at(i + 2))) : 0.6) +
        kVoices * static_cast<double>(dot(speakers.data() + own * kEmbedding, speakers.data() + other * kEmbedding)) +
        kChange * change + kEdge * std::min({at - region.begin, region.end - at, 1.5}) +
        kLoud * static_cast<double>(windows.loudness[static_cast<size_t>(i)]);
    if (score > 0) second[static_cast<size_t>(i)] = other;
  }
  return second;
}

std::vector<Turn> with_overlap(std::vector<Turn> turns, const std::vector<Span>& regions, const Windows& windows,
                               const std::vector<int>& second) {
  constexpr double kHalf = static_cast<double>(kStep) / 2 / kFramesPerSecond;
  const std::vector<Turn> own = turns;
  std::vector<Turn> more;
  for (int i = 0; i < windows.count(); ++i) {
    const size_t w = static_cast<size_t>(i);
    if (second[w] < 0) continue;
    const double at = static_cast<double>(windows.centres[w]) / kFramesPerSecond;
    const Span& region = regions[static_cast<size_t>(windows.regions[w])];
    Turn t{std::max(at - kHalf, region.begin), std::min(at + kHalf, region.end), second[w], true};
    for (const Turn& o : own) {
      if (o.speaker != t.speaker || o.end <= t.begin || o.begin >= t.end) continue;
      if (o.begin > at) t.end = std::min(t.end, o.begin);
      else t.begin = std::max(t.begin, o.end);
    }
    if (t.end <= t.begin) continue;
    if (!more.empty() && more.back().speaker == t.speaker && t.begin - more.back().end < 0.01) more.back().end = t.end;
    else more.push_back(t);
  }
  turns.insert(turns.end(), more.begin(), more.end());
  std::stable_sort(turns.begin(), turns.end(), [](const Turn& a, const Turn& b) { return a.begin < b.begin; });
  return turns;
}

}  // namespace diarizer
