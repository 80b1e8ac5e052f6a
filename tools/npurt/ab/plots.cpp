#include "plots.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace npurt::cli {

namespace {

constexpr double kWidth = 640, kHeight = 220, kLeft = 72, kRight = 12, kTop = 12, kBottom = 46;

std::string text(const char* form, double a = 0, double b = 0, double c = 0, double d = 0) {
  char buffer[256];
  std::snprintf(buffer, sizeof buffer, form, a, b, c, d);
  return buffer;
}

// A value axis from low to high with about four round steps, drawn as lines across the plot.
class Axis {
 public:
  Axis(double low, double high) : low_(low), high_(high > low ? high : low + 1) {}
  double y(double value) const { return kTop + (high_ - value) / (high_ - low_) * (kHeight - kTop - kBottom); }
  std::string drawn(const char* unit) const {
    const double rough = (high_ - low_) / 4, power = std::pow(10, std::floor(std::log10(rough)));
    double step = power;
    for (double s : {2.0, 5.0, 10.0})
      if (step < rough) step = s * power;
    std::string out;
    for (double v = std::ceil(low_ / step - 1e-9) * step; v <= high_ + 1e-9 * step; v += step)
      out += text("<line class='axis' x1='%.0f' x2='%.0f' y1='%.1f' y2='%.1f'/>", kLeft, kWidth - kRight, y(v), y(v)) +
             text("<text class='label' x='%.0f' y='%.1f' text-anchor='end'>%.4g", kLeft - 6, y(v) + 4, v + 0.0) + unit +
             "</text>";
    return out;
  }

 private:
  double low_, high_;
};

double x_of(size_t i, size_t n) {
  return kLeft + (static_cast<double>(i) + 0.5) / static_cast<double>(n) * (kWidth - kLeft - kRight);
}

std::string dot(const char* kind, double x, double y) {
  return std::string("<circle class='") + kind + text("' cx='%.1f' cy='%.1f' r='3.5'/>", x, y);
}

std::string figure(const std::string& name, const std::string& inside, const std::string& below) {
  return text("<svg viewBox='0 0 %.0f %.0f' role='img' aria-label='", kWidth, kHeight) + name + "'>" + inside +
         text("<text class='label' x='%.0f' y='%.0f' text-anchor='middle'>", (kLeft + kWidth - kRight) / 2, kHeight - 8) + below +
         "</text></svg>";
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (c == '\'') out += "&#39;";
    else out += c;
  }
  return out;
}

std::string times_plot(const std::vector<double>& a_s, const std::vector<double>& b_s) {
  double most = 0;
  for (const auto* all : {&a_s, &b_s})
    for (double s : *all) most = std::max(most, 1e3 * s);
  const Axis axis(0, 1.05 * most);
  std::string out = axis.drawn(" ms");
  for (size_t i = 0; i < a_s.size(); ++i)
    out += dot("a", x_of(i, a_s.size()) - 3, axis.y(1e3 * a_s[i])) + dot("b", x_of(i, a_s.size()) + 3, axis.y(1e3 * b_s[i]));
  return figure("Time inside the compared nodes, pair by pair", out, "pairs, in the order they were taken");
}

std::string ratio_plot(const std::vector<double>& a_s, const std::vector<double>& b_s, const Ratio& r) {
  double low = std::min(1.0, r.low), high = std::max(1.0, r.high);
  for (size_t i = 0; i < a_s.size(); ++i)
    if (a_s[i] > 0) low = std::min(low, b_s[i] / a_s[i]), high = std::max(high, b_s[i] / a_s[i]);
  const double margin = 0.1 * (high - low) + 0.001;
  const Axis axis(low - margin, high + margin);
  const double width = kWidth - kLeft - kRight, band = std::max(1.0, axis.y(r.low) - axis.y(r.high));
  std::string out =
      text("<rect class='band' x='%.0f' y='%.1f' width='%.0f' height='%.1f'/>", kLeft, axis.y(r.high), width, band) +
      axis.drawn("") +
      text("<line class='one' x1='%.0f' x2='%.0f' y1='%.1f' y2='%.1f'/>", kLeft, kWidth - kRight, axis.y(1), axis.y(1)) +
      text("<line class='median' x1='%.0f' x2='%.0f' y1='%.1f' y2='%.1f'/>", kLeft, kWidth - kRight, axis.y(r.value),
           axis.y(r.value));
  for (size_t i = 0; i < a_s.size(); ++i)
    if (a_s[i] > 0) out += dot("b", x_of(i, a_s.size()), axis.y(b_s[i] / a_s[i]));
  return figure("Time of b over time of a, pair by pair", out,
                "line and band: median and its 99 % interval; dashes: no difference");
}

std::string histogram_plot(const std::vector<double>& counts, int lowest, double equal) {
  std::vector<double> bars{equal};
  bars.insert(bars.end(), counts.begin(), counts.end());
  double sum = 0, most = 0;
  for (double n : bars) sum += n, most = std::max(most, n);
  const Axis axis(0, sum > 0 ? 105 * most / sum : 1);
  const double wide = (kWidth - kLeft - kRight) / static_cast<double>(bars.size());
  std::string out = axis.drawn(" %");
  for (size_t i = 0; i < bars.size(); ++i) {
    const double x = kLeft + wide * static_cast<double>(i), y = axis.y(sum > 0 ? 100 * bars[i] / sum : 0);
    out += text("<rect class='b' x='%.1f' y='%.1f' width='%.1f' height='%.1f'/>", x + 2, y, wide - 4, axis.y(0) - y);
    const double label = kHeight - kBottom + 14;
    if (i == 0) out += text("<text class='label' x='%.1f' y='%.1f' text-anchor='middle'>equal</text>", x + wide / 2, label);
    else
      out += text("<text class='label' x='%.1f' y='%.1f' text-anchor='middle'>%+.0f</text>", x + wide / 2, label,
                  lowest + static_cast<double>(i) - 1);
  }
  return figure("How many values differ by how much", out, "power of ten of |a − b|, rounded down");
}

}  // namespace npurt::cli
