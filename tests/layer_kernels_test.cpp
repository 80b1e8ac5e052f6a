// The parts of a layer besides its products, each kernel by itself, and the same on every instruction set.
#include <cmath>
#include <cstring>
#include <functional>
#include <kernels.hpp>
#include <manifests.hpp>
#include <random>
#include <vector>

#include "catch.hpp"

using namespace npurt_kernels;
namespace tile = manifest_encoder_layer_bf16;

namespace {

template <typename T>
struct Buffer {
  explicit Buffer(size_t n) : data(static_cast<T*>(std::aligned_alloc(64, (n * sizeof(T) + 63) / 64 * 64))), count(n) {
    std::memset(data, 0x55, n * sizeof(T));
  }
  ~Buffer() { std::free(data); }
  Buffer(const Buffer&) = delete;
  T& operator[](size_t i) { return data[i]; }
  T* data;
  size_t count;
};

float value(uint16_t bits) { return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16); }
uint16_t rounded(float x) {
  const auto bits = __builtin_bit_cast(uint32_t, x);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

std::mt19937 chance(5);
void fill(Buffer<float>& b, float spread = 2) {
  std::normal_distribution<float> normal(0, spread);
  for (size_t i = 0; i < b.count; ++i) b[i] = normal(chance);
}
void fill(Buffer<uint16_t>& b) {
  std::normal_distribution<float> normal;
  for (size_t i = 0; i < b.count; ++i) b[i] = rounded(normal(chance));
}

// Where element (i, j) of a matrix with `cols` columns lies in blocks of p x q.
size_t at(unsigned i, unsigned j, unsigned cols, unsigned p, unsigned q) {
  return ((i / p) * (cols / q) + j / q) * p * q + (i % p) * q + j % q;
}

// Runs `f` with the best kernels into `out`, and wants the same bits of the plainest.
template <typename T>
void run(Buffer<T>& out, const std::function<void(const Kernels&, T*)>& f) {
  Buffer<T> other(out.count);
  f(kernels(), out.data);
  f(base::kernels, other.data);
  CHECK(std::memcmp(out.data, other.data, out.count * sizeof(T)) == 0);
}

}  // namespace

TEST_CASE("a tile of C becomes rows, with the bias of its columns") {
  Buffer<float> c(tile::m * tile::n), bias(tile::n), wide(tile::m * tile::n / 2);
  Buffer<uint16_t> rows(tile::m * tile::n);
  fill(c), fill(bias);
  run<uint16_t>(rows, [&](const Kernels& k, uint16_t* out) { k.encoder_layer_bf16_finish(c.data, bias.data, out); });
  for (unsigned i = 0; i < tile::m; ++i)
    for (unsigned j = 0; j < tile::n; ++j)
      REQUIRE(rows[i * tile::n + j] == rounded(c[at(i, j, tile::n, tile::r, tile::t)] + bias[j]));
  for (unsigned half = 0; half < 2; ++half) {
    run<float>(wide, [&](const Kernels& k, float* out) { k.encoder_layer_bf16_finish_f32(c.data, bias.data, out, half); });
    for (unsigned i = 0; i < tile::m; ++i)
      for (unsigned j = 0; j < 16; ++j)
        REQUIRE(wide[i * 16 + j] == c[at(i, 16 * half + j, tile::n, tile::r, tile::t)] + bias[16 * half + j]);
  }
}

TEST_CASE("a row is measured and normalised, piece by piece") {
  constexpr unsigned kWidth = 384;
  Buffer<float> row(kWidth), found(2);
  Buffer<uint16_t> out(kWidth);
  fill(row);
  for (size_t i = 0; i < kWidth; ++i) row[i] = 500 + row[i] * (i % 50 ? 1.0F : 30.0F);  // a mean far from zero
  run<float>(found, [&](const Kernels& k, float* f) { k.encoder_layer_bf16_measure(row.data, f, kWidth, 1.0F / kWidth); });
  double mean = 0, variance = 0;
  for (unsigned i = 0; i < kWidth; ++i) mean += row[i] / double{kWidth};
  for (unsigned i = 0; i < kWidth; ++i) variance += std::pow(row[i] - mean, 2) / kWidth;
  CHECK(found[0] == Approx(mean).epsilon(1e-6));
  CHECK(found[1] == Approx(1 / std::sqrt(variance + 1e-5)).epsilon(2e-5));
  run<uint16_t>(out, [&](const Kernels& k, uint16_t* y) {
    for (unsigned i = 0; i < kWidth; i += 128) k.encoder_layer_bf16_normalise(row.data + i, found.data, y + i);
  });
  for (unsigned i = 0; i < kWidth; ++i)
    REQUIRE(value(out[i]) == Approx((row[i] - mean) / std::sqrt(variance)).epsilon(1.0 / 256).margin(2e-5));
}

TEST_CASE("rows of K are transposed, and rows of V get a column of ones") {
  Buffer<uint16_t> rows(tile::keys * tile::width), k(tile::width * tile::keys), v(tile::keys * tile::values),
      top(tile::m * tile::t);
  Buffer<float> sums(tile::m * tile::values);
  fill(rows);
  run<uint16_t>(k, [&](const Kernels& kernel, uint16_t* out) { kernel.encoder_layer_bf16_keys(rows.data, out); });
  run<uint16_t>(v, [&](const Kernels& kernel, uint16_t* out) {
    kernel.encoder_layer_bf16_begin(sums.data, top.data, out);
    kernel.encoder_layer_bf16_values(rows.data, out);
  });
  for (unsigned i = 0; i < tile::keys; ++i)
    for (unsigned d = 0; d < tile::values; ++d) {
      const uint16_t was = d < tile::width ? rows[i * tile::width + d] : d < tile::width + tile::t ? 0x3F80 : 0;
      REQUIRE(v[at(i, d, tile::values, tile::s, tile::t)] == was);
      if (d < tile::width) REQUIRE(k[at(d, i, tile::keys, tile::s, tile::t)] == was);
    }
  for (size_t i = 0; i < sums.count; ++i) REQUIRE(sums[i] == 0);
}

TEST_CASE("attention of one tile of keys is softmax, with keys that do not count left out") {
  constexpr unsigned kValid = 28;
  Buffer<uint16_t> q(tile::m * tile::width), keys(tile::keys * tile::width), values(tile::keys * tile::width);
  fill(q), fill(keys), fill(values);
  for (size_t i = 0; i < q.count; ++i) q[i] = rounded(value(q[i]) / 8);
  Buffer<uint16_t> out(tile::m * tile::width);
  run<uint16_t>(out, [&](const Kernels& kernel, uint16_t* to) {
    Buffer<uint16_t> k(tile::width * tile::keys), v(tile::keys * tile::values), top(tile::m * tile::t), p(8 * tile::keys);
    Buffer<float> sums(tile::m * tile::values);
    kernel.encoder_layer_bf16_begin(sums.data, top.data, v.data);
    kernel.encoder_layer_bf16_keys(keys.data, k.data);
    kernel.encoder_layer_bf16_values(values.data, v.data);
    kernel.encoder_layer_bf16_maximum(q.data, k.data, top.data, kValid);
    kernel.encoder_layer_bf16_add(q.data, k.data, v.data, sums.data, top.data, p.data, kValid);
    for (unsigned half = 0; half < 2; ++half)
      kernel.encoder_layer_bf16_divide(sums.data, to + half * tile::m / 2 * tile::width, half);
  });
  double error = 0, size = 0;
  for (unsigned i = 0; i < tile::m; ++i) {
    double share[kValid], all = 0;
    for (unsigned j = 0; j < kValid; ++j) {
      double score = 0;
      for (unsigned d = 0; d < tile::width; ++d)
        score += double{value(q[at(i, d, tile::width, tile::r, tile::s)])} * value(keys[j * tile::width + d]);
      all += share[j] = std::exp(score);
    }
    for (unsigned d = 0; d < tile::width; ++d) {
      double want = 0;
      for (unsigned j = 0; j < kValid; ++j) want += share[j] / all * value(values[j * tile::width + d]);
      error += std::pow(value(out[i * tile::width + d]) - want, 2), size += want * want;
    }
  }
  CHECK(std::sqrt(error / size) < 0.006);
}
