#include "filters.hpp"

#include <algorithm>
#include <cmath>

namespace npurt_npu {
namespace {

// 3 mel for each 200 Hz up to 1 kHz, which is 15 mel; from there on 27 mel for each factor of 6.4.
double hz_of(double mel) { return mel < 15 ? mel * 200 / 3 : 1000 * std::pow(6.4, (mel - 15) / 27); }
double mel_of(double hz) { return hz < 1000 ? hz * 3 / 200 : 15 + 27 * std::log(hz / 1000) / std::log(6.4); }

}  // namespace

std::vector<std::vector<float>> mel_filters(int mels, int bins, double rate) {
  auto edge = [&](int i) { return hz_of(mel_of(rate / 2) * i / (mels + 1)); };
  std::vector<std::vector<float>> all;
  for (int m = 0; m < mels; ++m) {
    const double left = edge(m), middle = edge(m + 1), right = edge(m + 2);
    std::vector<float> filter;
    for (int b = 0; b < bins; ++b) {
      const double hz = rate / 2 * b / (bins - 1);
      const double height = std::min((hz - left) / (middle - left), (right - hz) / (right - middle));
      filter.push_back(static_cast<float>(std::max(0.0, height) * 2 / (right - left)));
    }
    all.push_back(std::move(filter));
  }
  return all;
}

}  // namespace npurt_npu
