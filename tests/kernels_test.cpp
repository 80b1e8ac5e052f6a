// The kernels' own sources on the host: right, and the same on every instruction set.
#include "kernels.hpp"

#include <cmath>
#include <cstring>
#include <manifests.hpp>
#include <random>
#include <vector>

#include "catch.hpp"

using namespace npurt_kernels;

namespace {

template <typename T>
struct Tile {
  explicit Tile(size_t n) : data(static_cast<T*>(std::aligned_alloc(64, n * sizeof(T)))), count(n) {
    std::memset(data, 0, n * sizeof(T));
  }
  ~Tile() { std::free(data); }
  Tile(const Tile&) = delete;
  T* data;
  size_t count;
};

// Where element (i, j) of a matrix with `cols` columns lies in blocks of p x q.
size_t at(unsigned i, unsigned j, unsigned cols, unsigned p, unsigned q) {
  return ((i / p) * (cols / q) + j / q) * p * q + (i % p) * q + j % q;
}

float value(uint16_t bits) { return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16); }
uint16_t bits(float x) { return static_cast<uint16_t>(__builtin_bit_cast(uint32_t, x) >> 16); }

}  // namespace

TEST_CASE("matmul i8 is the product, added to what was there") {
  namespace t = manifest_matmul_i8;
  Tile<int8_t> a(t::m * t::k), b(t::k * t::n);
  Tile<int32_t> c(t::m * t::n), other(t::m * t::n);
  std::mt19937 chance(3);
  for (size_t i = 0; i < a.count; ++i) a.data[i] = static_cast<int8_t>(chance());
  for (size_t i = 0; i < b.count; ++i) b.data[i] = static_cast<int8_t>(chance());
  std::memset(c.data, 0x55, c.count * 4);
  kernels().matmul_i8_clear(c.data);
  kernels().matmul_i8(a.data, b.data, c.data);
  kernels().matmul_i8(a.data, b.data, c.data);
  for (unsigned i = 0; i < t::m; i += 3)
    for (unsigned j = 0; j < t::n; j += 5) {
      int32_t sum = 0;
      for (unsigned k = 0; k < t::k; ++k) sum += a.data[at(i, k, t::k, t::r, t::s)] * b.data[at(k, j, t::n, t::s, t::t)];
      REQUIRE(c.data[at(i, j, t::n, t::r, t::t)] == 2 * sum);
    }
  base::kernels.matmul_i8(a.data, b.data, other.data);
  base::kernels.matmul_i8(a.data, b.data, other.data);
  CHECK(std::memcmp(c.data, other.data, c.count * 4) == 0);
}

TEST_CASE("matmul bf16 is the product to rounding, with the same bits on every instruction set") {
  namespace t = manifest_matmul_bf16;
  Tile<uint16_t> a(t::m * t::k), b(t::k * t::n);
  Tile<float> c(t::m * t::n), other(t::m * t::n);
  std::mt19937 chance(3);
  auto fill = [&](Tile<uint16_t>& x) {
    for (size_t i = 0; i < x.count; ++i) x.data[i] = static_cast<uint16_t>((chance() & 0x80FF) | 0x3F00);  // 0.5 … 2
  };
  fill(a), fill(b);
  std::memset(c.data, 0x55, c.count * 4);
  kernels().matmul_bf16_clear(c.data);
  kernels().matmul_bf16(a.data, b.data, c.data);
  for (unsigned i = 0; i < t::m; i += 3)
    for (unsigned j = 0; j < t::n; j += 5) {
      double sum = 0, size = 0;
      for (unsigned k = 0; k < t::k; ++k) {
        const double p =
            static_cast<double>(value(a.data[at(i, k, t::k, t::r, t::s)])) * value(b.data[at(k, j, t::n, t::s, t::t)]);
        sum += p, size += p < 0 ? -p : p;
      }
      REQUIRE(c.data[at(i, j, t::n, t::r, t::t)] == Approx(sum).margin(size * 1e-6));
    }
  base::kernels.matmul_bf16(a.data, b.data, other.data);
  CHECK(std::memcmp(c.data, other.data, c.count * 4) == 0);
}

TEST_CASE("gelu bf16 is that of erf to rounding, for every value of a bf16, with the same bits on every instruction set") {
  constexpr unsigned kCount = 65536;
  Tile<uint16_t> x(kCount), y(kCount), other(kCount);
  for (unsigned i = 0; i < kCount; ++i) x.data[i] = static_cast<uint16_t>((i & 0x7F80) < 0x7F80 ? i : 0);  // no Inf, no NaN
  kernels().gelu_bf16(x.data, y.data, kCount);
  base::kernels.gelu_bf16(x.data, other.data, kCount);
  CHECK(std::memcmp(y.data, other.data, 2 * kCount) == 0);
  for (unsigned i = 0; i < kCount; ++i) {
    const double in = value(x.data[i]), right = in / 2 * std::erfc(-in / std::sqrt(2.0)), got = value(y.data[i]);
    INFO(in << " gives " << got << ", not " << right);
    REQUIRE(std::fabs(got - right) <=
            2e-38 + manifest_gelu_bf16::tolerance * std::fabs(right) + 0.0003 * std::min(1.0, std::fabs(in)));
  }
}

TEST_CASE("softmax bf16 gives each row shares that add up to one, and none to what is lowest") {
  constexpr unsigned kRows = 3, kWidth = 1504, kKept = 1500;
  Tile<uint16_t> x(kRows * kWidth), y(kRows * kWidth), other(kRows * kWidth);
  std::mt19937 chance(7);
  std::normal_distribution<float> normal;
  for (unsigned row = 0; row < kRows; ++row)
    for (unsigned i = 0; i < kWidth; ++i)
      x.data[row * kWidth + i] =
          i < kKept ? bits(normal(chance) * (1 + 4 * static_cast<float>(row)) - 30 * static_cast<float>(row)) : uint16_t{0xFF7F};
  kernels().softmax_bf16(x.data, y.data, kRows, kWidth);
  base::kernels.softmax_bf16(x.data, other.data, kRows, kWidth);
  CHECK(std::memcmp(y.data, other.data, 2 * y.count) == 0);
  for (unsigned row = 0; row < kRows; ++row) {
    const uint16_t *in = x.data + row * kWidth, *out = y.data + row * kWidth;
    double top = -1e300, all = 0, sum = 0, error = 0, size = 0;
    for (unsigned i = 0; i < kKept; ++i) top = std::max<double>(top, value(in[i]));
    for (unsigned i = 0; i < kKept; ++i) all += std::exp(value(in[i]) - top);
    for (unsigned i = 0; i < kWidth; ++i) {
      const double right = i < kKept ? std::exp(value(in[i]) - top) / all : 0;
      sum += value(out[i]);
      error += std::pow(value(out[i]) - right, 2), size += right * right;
      if (i >= kKept) CHECK(value(out[i]) < 1e-37F);
    }
    CHECK(sum == Approx(1).margin(0.002));
    CHECK(std::sqrt(error / size) < manifest_softmax_bf16::tolerance);
  }
}
