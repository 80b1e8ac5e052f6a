// The kernels' own sources on the host: right, and the same on every instruction set.
#include "kernels.hpp"

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
  auto value = [](uint16_t bits) { return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16); };
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
