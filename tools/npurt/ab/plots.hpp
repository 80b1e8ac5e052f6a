// Plots as SVG text, for a page whose CSS names the colours (classes a, b, band, axis, label).
#pragma once

#include <string>
#include <vector>

#include "statistics.hpp"

namespace npurt::cli {

std::string escaped(const std::string& text);  // for HTML and SVG
// The times of all pairs in the order they were taken, in milliseconds; both rows from zero.
std::string times_plot(const std::vector<double>& a_s, const std::vector<double>& b_s);
// b / a of each pair, its median and 99 % interval, and where no difference would lie.
std::string ratio_plot(const std::vector<double>& a_s, const std::vector<double>& b_s, const Ratio& r);
// Counts over powers of ten from 10^lowest on; `equal` is the count of no error at all.
std::string histogram_plot(const std::vector<double>& counts, int lowest, double equal);

}  // namespace npurt::cli
