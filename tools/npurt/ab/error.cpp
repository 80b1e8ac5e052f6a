#include "error.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace npurt::cli {

namespace {

double half(uint16_t h) {  // IEEE 754 binary16
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  const double size = exponent == 31 ? (fraction ? NAN : INFINITY)
                      : exponent     ? std::ldexp(1024 + fraction, exponent - 25)
                                     : std::ldexp(fraction, -24);
  return h >> 15 ? -size : size;
}

template <typename T>
T element(const Tensor& t, size_t i) {
  T x;
  std::memcpy(&x, static_cast<const char*>(t.data) + i * sizeof(T), sizeof(T));
  return x;
}

double value(const Tensor& t, size_t i) {
  if (t.dtype == "f32") return element<float>(t, i);
  if (t.dtype == "f16") return half(element<uint16_t>(t, i));
  if (t.dtype == "bf16") return std::bit_cast<float>(static_cast<uint32_t>(element<uint16_t>(t, i)) << 16);
  if (t.dtype == "i8") return element<int8_t>(t, i);
  if (t.dtype == "i32") return element<int32_t>(t, i);
  if (t.dtype == "i64") return static_cast<double>(element<int64_t>(t, i));
  return element<uint8_t>(t, i);
}

}  // namespace

void ValueError::add(const Tensor& a, const Tensor& b) {
  if (a.dtype != "json" && (a.dtype != b.dtype || a.dims != b.dims))
    throw Error(Exit::run_failed, "the candidates give output '" + a.port + "' different shapes, so they cannot be compared");
  if (a.dtype == "json") {
    const bool same = a.bytes == b.bytes && std::memcmp(a.data, b.data, a.bytes) == 0;
    return add(1, same ? 1 : 0);
  }
  size_t count = 1;
  for (int64_t d : a.dims) count *= static_cast<size_t>(d);
  for (size_t i = 0; i < count; ++i) add(value(a, i), value(b, i));
}

void ValueError::add(double a, double b) {
  ++values_;
  if (!std::isfinite(a) || !std::isfinite(b)) {
    if (std::isfinite(a)) ++not_finite_;
    return;
  }
  const double d = std::abs(a - b);
  if (d == 0) ++exact_;
  else ++histogram_[static_cast<size_t>(std::clamp(static_cast<int>(std::floor(std::log10(d))) - kLowest, 0, kBins - 1))];
  largest_ = std::max(largest_, d);
  aa_ += a * a, bb_ += b * b, ab_ += a * b, dd_ += d * d;
}

void ValueError::add(const ValueError& more) {
  values_ += more.values_, exact_ += more.exact_, not_finite_ += more.not_finite_;
  largest_ = std::max(largest_, more.largest_);
  aa_ += more.aa_, bb_ += more.bb_, ab_ += more.ab_, dd_ += more.dd_;
  for (size_t i = 0; i < histogram_.size(); ++i) histogram_[i] += more.histogram_[i];
}

double ValueError::relative() const { return dd_ == 0 ? 0 : aa_ > 0 ? std::sqrt(dd_ / aa_) : INFINITY; }

double ValueError::cosine() const {
  if (aa_ == 0 && bb_ == 0) return 1;
  return aa_ > 0 && bb_ > 0 ? std::clamp(ab_ / std::sqrt(aa_ * bb_), -1.0, 1.0) : 0;
}

}  // namespace npurt::cli
