// Products on the virtual NPU: one launch for any shape, exact, and modelled.
#include <aie_api/aie.hpp>
#include <cmath>
#include <cstring>
#include <random>

#include "../plugins/npu/attention/design.hpp"
#include "../plugins/npu/device.hpp"
#include "../plugins/npu/gemm.hpp"
#include "../plugins/npu/virtual/cost.hpp"
#include "../plugins/npu/virtual/device.hpp"
#include "../plugins/npu/virtual/machine.hpp"
#include "catch.hpp"

using namespace npurt_npu;

namespace {

const Generation& npu1() { return generation("npu1"); }

// A and B filled by `value(is_b, row, column)`, padded with zeros; returns C as the device leaves it.
template <typename In, typename Out, typename F>
std::vector<Out> product(Device& device, const GemmTile& t, const GemmShape& s, F&& value, Outcome* outcome = nullptr) {
  const Generation& g = device.generation();
  auto context = device.context(gemm_design(g, t));
  const GemmShape p = padded(g, t, s);
  auto a = context->buffer(p.m * p.k * sizeof(In)), b = context->buffer(p.k * p.n * sizeof(In)),
       c = context->buffer(p.m * p.n * sizeof(Out));
  auto* pa = reinterpret_cast<In*>(a->map().data());
  auto* pb = reinterpret_cast<In*>(b->map().data());
  std::memset(c->map().data(), 0x5A, c->map().size());
  for (uint64_t i = 0; i < s.m; ++i)
    for (uint64_t k = 0; k < s.k; ++k) pa[i * p.k + k] = value(false, i, k);
  for (uint64_t k = 0; k < s.k; ++k)
    for (uint64_t j = 0; j < s.n; ++j) pb[packed_place(g, t, p, k, j)] = value(true, k, j);
  auto program = context->program(gemm_instructions(g, t, p));
  const Launch launch{program.get(), {a.get(), b.get(), c.get()}};
  const Outcome o = context->run({&launch, 1}, std::chrono::seconds(2));
  if (outcome) *outcome = o;
  const auto* pc = reinterpret_cast<const Out*>(c->map().data());
  std::vector<Out> out;
  for (uint64_t i = 0; i < s.m; ++i) out.insert(out.end(), pc + i * p.n, pc + i * p.n + s.n);
  return out;
}

}  // namespace

TEST_CASE("int8 products of any shape are exact") {
  const auto which = GENERATE("npu1", "npu4");
  const auto device = virtual_device(generation(which));
  for (const GemmShape& s : {GemmShape{1, 1, 1}, {5, 70, 9}, {257, 64, 256}, {256, 200, 300}, {700, 130, 513}}) {
    INFO(which << ": " << s.m << "x" << s.k << "x" << s.n);
    auto value = [](bool is_b, uint64_t i, uint64_t j) {
      return static_cast<int8_t>((i * 37 + j * 11 + 5 * is_b) * 2654435761U >> 24);
    };
    const auto c = product<int8_t, int32_t>(*device, gemm_i8(), s, value);
    for (uint64_t i = 0; i < s.m; i += 1 + i / 3)
      for (uint64_t j = 0; j < s.n; j += 1 + j / 3) {
        int32_t sum = 0;
        for (uint64_t k = 0; k < s.k; ++k) sum += value(false, i, k) * value(true, k, j);
        REQUIRE(c[i * s.n + j] == sum);
      }
  }
}

TEST_CASE("bf16 products are right to rounding") {
  const auto device = virtual_device(generation(GENERATE("npu1", "npu4")));
  const GemmShape s{300, 130, 140};
  auto real = [](bool is_b, uint64_t i, uint64_t j) {
    return (static_cast<double>((i * 37 + j * 11 + 5 * is_b) % 256) - 128) / 64;
  };
  auto value = [&](bool is_b, uint64_t i, uint64_t j) {
    return static_cast<uint16_t>(__builtin_bit_cast(uint32_t, static_cast<float>(real(is_b, i, j))) >> 16);
  };
  const auto c = product<uint16_t, float>(*device, gemm_bf16(), s, value);
  for (uint64_t i = 0; i < s.m; i += 7)
    for (uint64_t j = 0; j < s.n; j += 5) {
      double sum = 0;
      for (uint64_t k = 0; k < s.k; ++k) sum += real(false, i, k) * real(true, k, j);
      REQUIRE(c[i * s.n + j] == Approx(sum).margin(1e-3));
    }
}

// The definition: for each eight values of K, in order, nine terms are aligned, summed and rounded once
// (kernels/include/aie_api).
float in_mac_order(const std::vector<uint16_t>& a, const std::vector<uint16_t>& b) {
  float sum = 0;
  for (size_t k = 0; k < a.size(); k += 8) {
    bfloat16 x[8] = {}, y[8] = {};
    for (size_t i = 0; i < 8 && k + i < a.size(); ++i) x[i].bits = a[k + i], y[i].bits = b[k + i];
    sum = aie::host::mac_lane(sum, x, y, 1);
  }
  return sum;
}

TEST_CASE("bf16 products have the bits of the MAC order, with zeros, subnormals, Inf and NaN among them") {
  const auto device = virtual_device(npu1());
  std::mt19937 chance(31);
  for (const GemmShape& s : {GemmShape{1, 8, 1}, {1, 384, 70}, {70, 130, 33}, {1500, 72, 5}}) {
    INFO(s.m << "x" << s.k << "x" << s.n);
    std::vector<uint16_t> a(s.m * s.k), b(s.k * s.n);
    for (auto* matrix : {&a, &b})
      for (uint16_t& x : *matrix) {
        x = static_cast<uint16_t>((chance() & 0x807F) | (110 + chance() % 30) << 7);
        if (chance() % 50 == 0) x &= 0x8000;  // 0 and -0
        if (chance() % 50 == 0) x &= 0x807F;  // subnormal
      }
    // One row each with an infinity, with a NaN, and with numbers that overflow.
    if (s.m > 4) a[s.k] = 0x7F80, a[2 * s.k + 1] = 0x7FC1, std::fill_n(a.begin() + 3 * static_cast<int64_t>(s.k), s.k, 0x7F00);
    const auto c = product<uint16_t, float>(
        *device, gemm_bf16(), s, [&](bool is_b, uint64_t i, uint64_t j) { return is_b ? b[i * s.n + j] : a[i * s.k + j]; });
    for (uint64_t i = 0; i < s.m; ++i)
      for (uint64_t j = 0; j < s.n; ++j) {
        std::vector<uint16_t> row(a.begin() + static_cast<int64_t>(i * s.k), a.begin() + static_cast<int64_t>((i + 1) * s.k)),
            column;
        for (uint64_t k = 0; k < s.k; ++k) column.push_back(b[k * s.n + j]);
        const float want = in_mac_order(row, column), got = c[i * s.n + j];
        if (std::memcmp(&want, &got, sizeof want) != 0) FAIL("C[" << i << "," << j << "] is " << got << ", not " << want);
      }
  }
}

TEST_CASE("int8 products are exact at the ends of the range") {
  const auto device = virtual_device(npu1());
  for (const GemmShape& s : {GemmShape{1, 3072, 3}, {1500, 72, 5}})
    for (const auto& [x, y] : {std::pair{-128, -128}, {-128, 127}, {127, 127}}) {
      const auto c = product<int8_t, int32_t>(*device, gemm_i8(), s,
                                              [&](bool is_b, uint64_t, uint64_t) { return static_cast<int8_t>(is_b ? y : x); });
      for (int32_t v : c) REQUIRE(v == x * y * static_cast<int32_t>(s.k));
    }
}

TEST_CASE("a launch counts what it moves, and its time is called modelled") {
  const auto device = virtual_device(npu1());
  Outcome o;
  product<int8_t, int32_t>(
      *device, gemm_i8(), {512, 128, 512}, [](bool, uint64_t, uint64_t) { return int8_t{1}; }, &o);
  CHECK(o.modelled);
  CHECK(o.read == 2 * 512 * 128 + 2 * 128 * 512);  // A once for each 256 columns, B once for each 256 rows
  CHECK(o.written == 512 * 512 * 4);
  CHECK(o.seconds > 157e-6);
  CHECK(o.seconds < 400e-6);
}

TEST_CASE("what a launch uses is known without running it") {
  const Generation& g = generation(GENERATE("npu1", "npu4"));
  for (const GemmTile* t : {&gemm_i8(), &gemm_bf16()}) {
    const GemmShape s = padded(g, *t, {500, 200, 500});
    std::vector<std::byte> a(s.m * s.k * t->in_bytes), b(s.k * s.n * t->in_bytes), c(s.m * s.n * t->out_bytes);
    const Argument all[] = {{1ULL << 32, a.data(), a.size()}, {2ULL << 32, b.data(), b.size()}, {3ULL << 32, c.data(), c.size()}};
    Machine machine(g, gemm_design(g, *t));
    const Usage ran = machine.execute(gemm_instructions(g, *t, s), all);
    const Usage said = gemm_usage(g, *t, s);
    CHECK(ran.core_cycles == said.core_cycles);
    CHECK(ran.channel_cycles == said.channel_cycles);
    CHECK(ran.read == said.read);
    CHECK(ran.written == said.written);
  }
}

TEST_CASE("what an attention launch uses is known without running it") {
  const Generation& g = generation(GENERATE("npu1", "npu4"));
  const AttentionShape s{3, 600};
  std::vector<std::byte> q(query_bytes(s)), stream(stream_bytes(s)), sums(sum_bytes(s));
  const Argument all[] = {
      {1ULL << 32, q.data(), q.size()}, {2ULL << 32, stream.data(), stream.size()}, {3ULL << 32, sums.data(), sums.size()}};
  Machine machine(g, attention_design(g));
  const Usage ran = machine.execute(attention_instructions(g, s), all), said = attention_usage(g, s);
  CHECK(ran.core_cycles == said.core_cycles);
  CHECK(ran.channel_cycles == said.channel_cycles);
  CHECK(ran.read == said.read);
  CHECK(ran.written == said.written);
}

TEST_CASE("contexts are limited") {
  const auto device = virtual_device(npu1());
  std::vector<std::shared_ptr<Context>> held;
  Design d = gemm_design(npu1(), gemm_i8());
  for (unsigned i = 0; i < npu1().contexts; ++i) {
    d.name = "design " + std::to_string(i);
    held.push_back(device->context(d));
  }
  CHECK(device->context(d) == held.back());
  d.name = "one more";
  CHECK_THROWS_WITH(device->context(d), "no context for one more: npu1 allows 6");
  held.pop_back();
  CHECK(device->context(d));
}

TEST_CASE("faults come when they are asked for") {
  auto one = [](bool, uint64_t, uint64_t) { return int8_t{1}; };
  auto run = [&](Device& d) { return product<int8_t, int32_t>(d, gemm_i8(), {4, 4, 4}, one); };
  for (const char* fault : {"hang", "error", "abort", "lost", "memory"}) {
    const auto device = virtual_device(npu1(), fault);
    CHECK_THROWS_AS(run(*device), DeviceError);
  }
  const auto late = virtual_device(npu1(), "error@2");
  CHECK(run(*late)[0] == 4);
  CHECK_THROWS_AS(run(*late), DeviceError);
  CHECK(run(*virtual_device(npu1(), "zeros"))[0] == 0);
  CHECK(run(*virtual_device(npu1(), "nan"))[0] == -1);
  CHECK(run(*virtual_device(npu1(), "wrong"))[0] == (4 ^ 0x400000));
  CHECK_THROWS_AS(run(*virtual_device(npu1(), "contexts")), DeviceError);
  CHECK_THROWS_AS(virtual_device(npu1(), "smoke"), DeviceError);
  CHECK_THROWS_AS(virtual_device(npu1(), "hang@x"), DeviceError);
}
