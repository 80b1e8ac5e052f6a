#include "mel_filters.hpp"

#include <algorithm>
#include <cmath>

namespace npurt_cpu {
namespace {

// Linear up to 1 kHz (15 mel), then 27 mel for each factor 6.4.
constexpr double kMelPerHz = 3.0 / 200, kKneeHz = 1000, kKneeMel = 15;
const double kStep = std::log(6.4) / 27;

double hz_of(double mel) { return mel < kKneeMel ? mel / kMelPerHz : kKneeHz * std::exp(kStep * (mel - kKneeMel)); }
double mel_of(double hz) { return hz < kKneeHz ? hz * kMelPerHz : kKneeMel + std::log(hz / kKneeHz) / kStep; }

}  // namespace

std::vector<std::vector<double>> mel_filters(int mels, int bins, double rate) {
  std::vector<double> edge(static_cast<size_t>(mels) + 2);
  for (size_t i = 0; i < edge.size(); ++i) edge[i] = hz_of(mel_of(rate / 2) * static_cast<double>(i) / (mels + 1));
  std::vector<std::vector<double>> filters;
  for (size_t m = 0; m + 2 < edge.size(); ++m) {
    std::vector<double> filter(static_cast<size_t>(bins));
    for (int b = 0; b < bins; ++b) {
      double hz = rate / 2 * b / (bins - 1);
      double up = (hz - edge[m]) / (edge[m + 1] - edge[m]), down = (edge[m + 2] - hz) / (edge[m + 2] - edge[m + 1]);
      filter[static_cast<size_t>(b)] = std::max(0.0, std::min(up, down)) * 2 / (edge[m + 2] - edge[m]);
    }
    filters.push_back(std::move(filter));
  }
  return filters;
}

}  // namespace npurt_cpu
