// The host's aie_api gives the bits that AIE2 gives.
#include <lut_based_ops.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "catch.hpp"

using aie::rounding_mode;
using aie::saturation_mode;

namespace {

uint32_t bits(float x) { return __builtin_bit_cast(uint32_t, x); }
float from(uint32_t x) { return __builtin_bit_cast(float, x); }
bfloat16 half(uint16_t x) {
  bfloat16 b;
  b.bits = x;
  return b;
}

struct Registers {
  Registers(rounding_mode r, saturation_mode s) {
    aie::set_rounding(r);
    aie::set_saturation(s);
  }
  ~Registers() { aie::registers = {}; }
};

template <typename T>
T shortened(int32_t x, int shift, rounding_mode r, saturation_mode s = saturation_mode::saturate) {
  const Registers set(r, s);
  aie::accum<acc32, 8> acc(aie::broadcast<int32, 8>(x));
  return acc.to_vector<T>(shift).get(3);
}

uint16_t rounded(float x, rounding_mode r) {
  const Registers set(r, saturation_mode::none);
  return bfloat16(x).bits;
}

// Eight equal products and an accumulator, in every lane of a block.
uint32_t mac(uint16_t a, uint16_t b, float c) {
  aie::vector<bfloat16, 32> va, vb;
  for (unsigned i = 0; i < 32; ++i) va.set(half(a), i), vb.set(half(b), i);
  aie::mmul<4, 8, 4, bfloat16, bfloat16> m(aie::broadcast<float, 16>(c));
  m.mac(va, vb);
  const auto out = m.to_vector<float>();
  for (unsigned i = 1; i < 16; ++i) CHECK(bits(out.get(i)) == bits(out.get(0)));
  return bits(out.get(0));
}

}  // namespace

TEST_CASE("SRS rounds in ten ways") {
  struct Row {
    rounding_mode mode;
    int of[10];
  };
  // -7/4, -6/4, -5/4, -2/4, -1/4, 1/4, 2/4, 5/4, 6/4, 7/4
  const int from[] = {-7, -6, -5, -2, -1, 1, 2, 5, 6, 7};
  const Row rows[] = {
      {rounding_mode::floor, {-2, -2, -2, -1, -1, 0, 0, 1, 1, 1}},
      {rounding_mode::ceil, {-1, -1, -1, 0, 0, 1, 1, 2, 2, 2}},
      {rounding_mode::symmetric_floor, {-1, -1, -1, 0, 0, 0, 0, 1, 1, 1}},
      {rounding_mode::symmetric_ceil, {-2, -2, -2, -1, -1, 1, 1, 2, 2, 2}},
      {rounding_mode::negative_inf, {-2, -2, -1, -1, 0, 0, 0, 1, 1, 2}},
      {rounding_mode::positive_inf, {-2, -1, -1, 0, 0, 0, 1, 1, 2, 2}},
      {rounding_mode::symmetric_zero, {-2, -1, -1, 0, 0, 0, 0, 1, 1, 2}},
      {rounding_mode::symmetric_inf, {-2, -2, -1, -1, 0, 0, 1, 1, 2, 2}},
      {rounding_mode::conv_even, {-2, -2, -1, 0, 0, 0, 0, 1, 2, 2}},
      {rounding_mode::conv_odd, {-2, -1, -1, -1, 0, 0, 1, 1, 1, 2}},
  };
  for (const Row& row : rows)
    for (int i = 0; i < 10; ++i) {
      INFO("mode " << static_cast<int>(row.mode) << " of " << from[i] << "/4");
      CHECK(shortened<int16>(from[i], 2, row.mode) == row.of[i]);
    }
}

TEST_CASE("SRS saturates, keeps symmetric ranges, or wraps") {
  CHECK(shortened<int8>(1000, 2, rounding_mode::floor) == 127);
  CHECK(shortened<int8>(-1000, 2, rounding_mode::floor) == -128);
  CHECK(shortened<int8>(-1000, 2, rounding_mode::floor, saturation_mode::symmetric) == -127);
  CHECK(shortened<int8>(1000, 2, rounding_mode::floor, saturation_mode::none) == static_cast<int8_t>(250));
  CHECK(shortened<int8>(511, 2, rounding_mode::conv_even, saturation_mode::none) == -128);
  CHECK(shortened<int32>(std::numeric_limits<int32_t>::min(), 0, rounding_mode::floor) == std::numeric_limits<int32_t>::min());
}

TEST_CASE("a core starts with floor and no saturation") {
  CHECK(aie::get_rounding() == rounding_mode::floor);
  CHECK(aie::get_saturation() == saturation_mode::none);
}

TEST_CASE("f32 becomes bf16 to nearest even, or cut off") {
  CHECK(rounded(from(0x3F808000), rounding_mode::conv_even) == 0x3F80);
  CHECK(rounded(from(0x3F818000), rounding_mode::conv_even) == 0x3F82);
  CHECK(rounded(from(0x3F808001), rounding_mode::conv_even) == 0x3F81);
  CHECK(rounded(from(0x3F80FFFF), rounding_mode::symmetric_floor) == 0x3F80);
  CHECK(rounded(from(0xBF80FFFF), rounding_mode::symmetric_floor) == 0xBF80);
  CHECK(rounded(from(0x7F7FFFFF), rounding_mode::conv_even) == 0x7F80);
  CHECK(rounded(from(0x7F800001), rounding_mode::conv_even) == 0x7F81);  // still NaN
  CHECK(rounded(from(0xFF800000), rounding_mode::conv_even) == 0xFF80);
  CHECK(rounded(from(0x00010001), rounding_mode::conv_even) == 0x0001);  // subnormals stay
  CHECK(rounded(-0.0F, rounding_mode::conv_even) == 0x8000);
}

TEST_CASE("int8 blocks are exact, and their sums wrap") {
  std::mt19937 chance(1);
  aie::vector<int8, 32> a;
  aie::vector<int8, 64> b;
  for (unsigned i = 0; i < 32; ++i) a.set(static_cast<int8>(chance()), i);
  for (unsigned i = 0; i < 64; ++i) b.set(static_cast<int8>(chance()), i);
  a.set(-128, 0), a.set(-128, 1), b.set(-128, 0), b.set(-128, 8);  // the pair that 16 bits cannot hold
  aie::mmul<4, 8, 8, int8, int8> m;
  m.mul(a, b);
  m.mac(a, b);
  const auto c = m.to_vector<int32>();
  for (unsigned i = 0; i < 4; ++i)
    for (unsigned j = 0; j < 8; ++j) {
      int sum = 0;
      for (unsigned k = 0; k < 8; ++k) sum += a.get(8 * i + k) * b.get(8 * k + j);
      CHECK(c.get(8 * i + j) == 2 * sum);
    }
  aie::mmul<4, 8, 8, int8, int8> high(aie::broadcast<int32, 32>(std::numeric_limits<int32_t>::max()));
  high.mac(aie::broadcast<int8, 32>(1), aie::broadcast<int8, 64>(1));
  CHECK(high.to_vector<int32>().get(0) == std::numeric_limits<int32_t>::min() + 7);
}

TEST_CASE("bf16 blocks have the bits that were measured") {
  CHECK(mac(0x3F80, 0x3F80, 0) == 0x41000000);
  CHECK(mac(0xC000, 0x4040, 0) == 0xC2400000);
  CHECK(mac(0x0000, 0x7F80, 0) == 0x7F800001);
  CHECK(mac(0x0080, 0x0080, 0) == 0);  // below the smallest normal number
  CHECK(mac(0x0000, 0x3F80, -0.0F) == 0);
  CHECK(mac(0x7F7F, 0x7F7F, 0) == 0x7F800000);
  CHECK(mac(0x7F80, 0x3F80, 0) == 0x7F800000);
  CHECK(mac(0xFF80, 0x3F80, 0) == 0xFF800000);
  CHECK(mac(0xFF80, 0x3F80, from(0x7F800000)) >> 23 == 0x1FF);  // Inf - Inf, of negative sign here
  CHECK(mac(0x0000, 0x3F80, from(0x7FC01234)) == 0x7FC01234);   // NaN passes by zeros unchanged
  const uint16_t a[] = {0xebd7, 0xb13b, 0x4f6c, 0x8d21, 0x6080, 0x39c6, 0x107e, 0xd6a6};
  const uint16_t b[] = {0x0802, 0x7b38, 0x6983, 0x2273, 0x33a8, 0x1130, 0xe493, 0x18ec};
  aie::vector<bfloat16, 32> va, vb;
  for (unsigned i = 0; i < 32; ++i) va.set(half(a[i % 8]), i), vb.set(half(b[i / 4]), i);
  aie::mmul<4, 8, 4, bfloat16, bfloat16> m;
  m.mul(va, vb);
  CHECK(bits(m.to_vector<float>().get(0)) == 0x797187FF);
}

TEST_CASE("lanes are compared as numbers, and zipped in groups") {
  aie::vector<bfloat16, 16> a, b;
  for (unsigned i = 0; i < 16; ++i) a.set(bfloat16(i - 8.0F), i), b.set(bfloat16(i % 2 ? -100.0F : 3.0F), i);
  for (unsigned i = 0; i < 16; ++i) CHECK(aie::max(a, b).get(i) == std::max<float>(a.get(i), b.get(i)));
  const auto zipped = aie::interleave_zip(a, b, 4);
  for (unsigned i = 0; i < 16; ++i) {
    CHECK(zipped.first.get(i) == (i / 4 % 2 ? b : a).get(i / 8 * 4 + i % 4));
    CHECK(zipped.second.get(i) == (i / 4 % 2 ? b : a).get(8 + i / 8 * 4 + i % 4));
  }
  const auto back = aie::interleave_unzip(zipped.first, zipped.second, 4);
  for (unsigned i = 0; i < 16; ++i) {
    CHECK(back.first.get(i) == a.get(i));
    CHECK(back.second.get(i) == b.get(i));
  }
}

TEST_CASE("accumulators subtract, and take subnormals for zero") {
  const auto minus = [](float x, float y) {
    return aie::sub(aie::accum<accfloat, 16>(aie::broadcast<float, 16>(x)),
                    aie::accum<accfloat, 16>(aie::broadcast<float, 16>(y)))
        .to_vector<float>()
        .get(7);
  };
  CHECK(minus(3, 1.5F) == 1.5F);
  CHECK(minus(1, from(0x00400000)) == 1);
  CHECK(bits(minus(from(0x807FFFFF), 0)) == 0x80000000);
}

TEST_CASE("the table of exponentials is good to a percent where it is valid") {
  const Registers set(rounding_mode::floor, saturation_mode::none);
  for (float x = -87; x < 87; x += 0.37F) {
    const bfloat16 b(x);
    const float e = getExpBf16(aie::broadcast<bfloat16, 16>(b)).to_vector<float>().get(3);
    CHECK(e == Approx(std::exp(static_cast<float>(b))).epsilon(0.01));
  }
  CHECK(getExpBf16(aie::broadcast<bfloat16, 16>(bfloat16(-100.0F))).to_vector<float>().get(0) == 0);
  CHECK(getExpBf16(aie::broadcast<bfloat16, 16>(half(0x0000))).to_vector<float>().get(0) == 1);
}

TEST_CASE("small terms are lost beside large ones that cancel") {
  aie::vector<bfloat16, 32> a = aie::zeros<bfloat16, 32>(), b = aie::broadcast<bfloat16, 32>(bfloat16(1.0F));
  a.set(bfloat16(0x1p30F), 0), a.set(bfloat16(-0x1p30F), 1), a.set(bfloat16(1.0F), 2);
  aie::mmul<4, 8, 4, bfloat16, bfloat16> m;
  m.mul(a, b);
  CHECK(m.to_vector<float>().get(0) == 0);  // an f32 chain in this order gives 1
}

TEST_CASE("the fast bf16 block is the integer model, bit by bit") {
  std::mt19937 chance(7);
  for (int round = 0; round < 20000; ++round) {
    bfloat16 a[32], b[32];
    float c[16], want[16];
    const int kind = round % 4;
    for (int i = 0; i < 32; ++i) {
      a[i].bits = static_cast<uint16_t>(chance()), b[i].bits = static_cast<uint16_t>(chance());
      if (kind == 1) a[i].bits = (a[i].bits & 0x807F) | static_cast<uint16_t>((120 + chance() % 16) << 7);
      if (kind == 1) b[i].bits = (b[i].bits & 0x807F) | static_cast<uint16_t>((120 + chance() % 16) << 7);
      if (kind == 2) a[i].bits &= 0x87FF;
      if (kind == 3 && chance() % 3 == 0) a[i].bits &= 0x8000;
    }
    for (float& x : c) x = from(kind == 3 ? 0 : kind == 1 ? (chance() & 0x807FFFFF) | (115 + chance() % 32) << 23 : chance());
    for (int i = 0; i < 16; ++i) want[i] = aie::host::mac_lane(c[i], a + i / 4 * 8, b + i % 4, 4);
    aie::host::mac_4x8x4(c, a, b);
    REQUIRE(std::memcmp(c, want, sizeof c) == 0);
  }
}
