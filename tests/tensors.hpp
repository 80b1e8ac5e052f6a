// Weights that a test makes up, given to a Stage as the host would give a model's: f32 as they are, int8 per row.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "stage.hpp"

namespace npurt_test {

// Whole numbers and normally distributed ones, the same on every machine for a seed.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  int64_t whole(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  float normal(double deviation = 1) {
    return static_cast<float>(deviation * std::sqrt(-2 * std::log(1 - uniform())) * std::cos(6.283185307179586 * uniform()));
  }
  std::vector<float> normals(int64_t n, double deviation = 1) {
    std::vector<float> v(static_cast<size_t>(n));
    for (float& x : v) x = normal(deviation);
    return v;
  }

 private:
  std::mt19937_64 engine_;
};

class Tensors {
 public:
  void put(const std::string& name, const std::vector<float>& values, std::vector<int64_t> dims) {
    Held& held = all_[name];
    held = {values, {}, {}, std::move(dims)};
    const size_t rows = static_cast<size_t>(held.dims[0]), cols = values.size() / std::max<size_t>(1, rows);
    for (size_t r = 0; r < rows; ++r) {
      float most = 0;
      for (size_t c = 0; c < cols; ++c) most = std::max(most, std::fabs(values[r * cols + c]));
      const float scale = most > 0 ? most / 127 : 1;
      held.scale.push_back(scale);
      for (size_t c = 0; c < cols; ++c) held.i8.push_back(static_cast<int8_t>(std::lround(values[r * cols + c] / scale)));
    }
  }
  // A tensor of any dtype, given as it is.
  void put(const std::string& name, const Tensor& tensor) { plain_[name] = tensor; }

  const std::vector<float>& f32(const std::string& name) const { return all_.at(name).f32; }
  // What the int8 rows stand for.
  std::vector<float> rounded(const std::string& name) const {
    const Held& h = all_.at(name);
    std::vector<float> v;
    for (size_t i = 0; i < h.i8.size(); ++i) v.push_back(static_cast<float>(h.i8[i]) * h.scale[i * h.scale.size() / h.i8.size()]);
    return v;
  }

  // As long as this object lives.
  Stage::WeightSource source() const {
    return [this](const std::string& name, uint32_t dtype, npurt_tensor& out) { return give(name, dtype, out); };
  }

 private:
  struct Held {
    std::vector<float> f32;
    std::vector<int8_t> i8;
    std::vector<float> scale;
    std::vector<int64_t> dims;
  };

  static void point(npurt_tensor& out, npurt_dtype dtype, const std::vector<int64_t>& dims, const void* data, size_t bytes) {
    out.spec = npurt::Spec(dtype, {});
    for (int64_t d : dims) out.spec.dims[out.spec.rank++] = d;
    out.data = const_cast<void*>(data);
    out.bytes = bytes;
  }
  int32_t give(const std::string& name, uint32_t dtype, npurt_tensor& out) const {
    if (auto it = plain_.find(name); it != plain_.end()) {
      out.spec = it->second.spec;
      out.data = const_cast<uint8_t*>(it->second.bytes.data());
      out.bytes = it->second.bytes.size();
      return NPURT_OK;
    }
    const bool scale = name.ends_with(".scale");
    const auto it = all_.find(scale ? name.substr(0, name.size() - 6) : name);
    if (it == all_.end()) return NPURT_REFUSE;
    const Held& h = it->second;
    if (scale) point(out, NPURT_F32, {h.dims[0]}, h.scale.data(), h.scale.size() * sizeof(float));
    else if (dtype == NPURT_I8) point(out, NPURT_I8, h.dims, h.i8.data(), h.i8.size());
    else point(out, NPURT_F32, h.dims, h.f32.data(), h.f32.size() * sizeof(float));
    return NPURT_OK;
  }

  std::map<std::string, Held> all_;
  std::map<std::string, Tensor> plain_;
};

// Where `got` is farther from `wanted` than `tolerance` allows, the first place and both values; else "".
template <typename Tolerance>
std::string difference(const std::vector<float>& got, const std::vector<double>& wanted, Tolerance tolerance) {
  if (got.size() != wanted.size()) return std::to_string(got.size()) + " values, wanted " + std::to_string(wanted.size());
  for (size_t i = 0; i < got.size(); ++i)
    if (!(std::fabs(got[i] - wanted[i]) <= tolerance(i)))
      return "at " + std::to_string(i) + ": " + std::to_string(got[i]) + ", wanted " + std::to_string(wanted[i]) + " within " +
             std::to_string(tolerance(i) * 1e6) + "e-6";
  return "";
}
inline std::string difference(const std::vector<float>& got, const std::vector<double>& wanted, double tolerance) {
  return difference(got, wanted, [tolerance](size_t) { return tolerance; });
}

// What a call stops with: "code: sentence", or "nothing".
template <typename F>
std::string stopped(F&& f) {
  static const char* const codes[] = {"ok", "refuse", "config", "fault", "bug", "cancelled"};
  try {
    f();
  } catch (const Stopped& s) {
    return std::string(codes[s.code]) + ": " + s.what();
  }
  return "nothing";
}

}  // namespace npurt_test
