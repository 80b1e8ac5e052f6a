// Numbers of repeated measurements.
#pragma once

#include <string>
#include <vector>

namespace npurt::cli {

double median(std::vector<double> values);  // of at least one value

// What n pairs of times (a[i], b[i]), each pair taken one right after the other, say about b / a.
struct Ratio {
  double a = 0, b = 0;       // medians
  double value = 1;          // median of the pairs' ratios
  double low = 1, high = 1;  // 99 % bootstrap interval of it (percentiles of resampled medians; Efron & Tibshirani 1993, ch. 13)
  double chance = 1;         // that so many pairs, or more, agree on which is faster if none is (exact two-sided sign test)
  std::string verdict;       // "b is faster", "b is slower", "no difference seen", "too few pairs"
};
// A claim needs an interval without 1, a chance below 1 % and a difference of at least 1 %: where memory happens to lie does as
// much.
Ratio compare(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace npurt::cli
