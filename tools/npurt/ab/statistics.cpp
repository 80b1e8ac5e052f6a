#include "statistics.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace npurt::cli {

namespace {

constexpr size_t kFewest = 8;  // pairs; fewer cannot tell a difference from luck, even if all agree
constexpr int kResamples = 4000;
constexpr double kOutside = 0.005;  // on each side of the interval
constexpr double kSmallest = 0.01, kMostChance = 0.01;

// Two-sided: of n fair coins, at least max(up, down) show the same side; equal pairs are left out.
double sign_test(const std::vector<double>& ratios) {
  int up = 0, down = 0;
  for (double r : ratios) up += r > 1, down += r < 1;
  const int n = up + down;
  double sum = 0;
  for (int k = std::max(up, down); k <= n; ++k)
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) - n * std::log(2));
  return std::min(1.0, 2 * sum);
}

}  // namespace

double median(std::vector<double> values) {
  const size_t half = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half), values.end());
  const double high = values[half];
  if (values.size() % 2) return high;
  return (high + *std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half))) / 2;
}

Ratio compare(const std::vector<double>& a, const std::vector<double>& b) {
  Ratio r;
  r.a = median(a);
  r.b = median(b);
  std::vector<double> ratios;
  for (size_t i = 0; i < a.size(); ++i) ratios.push_back(a[i] > 0 ? b[i] / a[i] : 1);
  r.value = r.low = r.high = median(ratios);
  r.chance = sign_test(ratios);
  if (ratios.size() < kFewest) {
    r.verdict = "too few pairs";
    return r;
  }
  std::mt19937 chance(1);  // the same pairs give the same interval
  std::uniform_int_distribution<size_t> any(0, ratios.size() - 1);
  std::vector<double> medians, sample(ratios.size());
  for (int i = 0; i < kResamples; ++i) {
    for (double& x : sample) x = ratios[any(chance)];
    medians.push_back(median(sample));
  }
  std::sort(medians.begin(), medians.end());
  r.low = medians[static_cast<size_t>(kOutside * kResamples)];
  r.high = medians[static_cast<size_t>((1 - kOutside) * kResamples) - 1];
  const bool clear = std::abs(r.value - 1) >= kSmallest && r.chance < kMostChance;
  r.verdict = clear && r.high < 1 ? "b is faster" : clear && r.low > 1 ? "b is slower" : "no difference seen";
  return r;
}

}  // namespace npurt::cli
