// The virtual NPU executes what the hardware could, and refuses the rest, naming the word and the limit.
#include <cstdlib>
#include <cstring>
#include <random>

#include "../plugins/npu/device.hpp"
#include "../plugins/npu/gemm.hpp"
#include "../plugins/npu/instructions.hpp"
#include "../plugins/npu/virtual/machine.hpp"
#include "catch.hpp"

using namespace npurt_npu;

namespace {

const Generation& npu1() { return generation("npu1"); }

// A design that copies: shim (0,0) sends to the memory tile, which sends back.
Design copier(uint32_t words) {
  Instructions out(npu1());
  Descriptor in, back;
  in.length = back.length = words;
  in.acquires = back.acquires = true;
  in.chained = back.chained = true;
  in.acquire = {0, -1}, in.release = {1, 1}, in.next = 0;
  back.acquire = {1, -1}, back.release = {0, 1}, back.next = 1;
  out.write(address(0, 1, lock_register(TileKind::memtile, 0)), 1);
  out.describe(0, 1, 0, in);
  out.describe(0, 1, 1, back);
  out.push(0, 1, Direction::in, 0, 0);
  out.push(0, 1, Direction::out, 0, 1);
  return {"copier", out.take(), {{{0, 0, 0}, {{0, 1, 0}}}, {{0, 1, 0}, {{0, 0, 0}}}}, {}};
}

// Buffer 0 to buffer 1 through the copier, in whatever order the descriptors say.
std::vector<uint32_t> copy(const Descriptor& from, const Descriptor& to, unsigned repeat = 0) {
  Instructions out(npu1());
  out.describe(0, 0, 0, from);
  out.patch(0, 0, 0, 0);
  out.describe(0, 0, 1, to);
  out.patch(0, 1, 1, 0);
  out.push(0, 0, Direction::in, 0, 1, 0, true);
  out.push(0, 0, Direction::out, 0, 0, repeat);
  out.sync(0, 1, Direction::in, 0);
  return out.take();
}

struct Memory {
  explicit Memory(size_t words = 64) : a(words), b(words) {
    for (size_t i = 0; i < words; ++i) a[i] = static_cast<uint32_t>(i);
  }
  std::vector<Argument> arguments() {
    return {{0x100000000, reinterpret_cast<std::byte*>(a.data()), 4 * a.size()},
            {0x200000000, reinterpret_cast<std::byte*>(b.data()), 4 * b.size()}};
  }
  std::vector<uint32_t> a, b;
};

Descriptor linear(uint32_t words) {
  Descriptor d;
  d.length = words;
  return d;
}

std::string refusal(const std::vector<uint32_t>& stream) {
  Machine machine(npu1(), copier(16));
  Memory memory;
  try {
    machine.execute(stream, memory.arguments());
  } catch (const StreamError& e) {
    return e.what();
  } catch (const Hang& e) {
    return std::string("hang: ") + e.what();
  }
  return "";
}

void refuses(const std::vector<uint32_t>& stream, const std::string& part) {
  const std::string said = refusal(stream);
  INFO(said);
  CHECK(said.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("descriptors keep what they are given, in each kind of tile") {
  for (TileKind kind : {TileKind::shim, TileKind::memtile, TileKind::core}) {
    Descriptor d;
    d.base = 4096, d.length = 1000;
    d.dims = {{{8, 1}, {16, 100}, {kind == TileKind::memtile ? 3U : 0U, 7}, {0, kind == TileKind::memtile ? 9U : 1U}}};
    d.iteration_step = 50, d.iteration_size = 4;
    d.acquires = true, d.acquire = {3, -2}, d.release = {5, 1}, d.chained = true, d.next = 7;
    const Descriptor e = Descriptor::decode(kind, d.encode(kind).data());
    CHECK(e.base == d.base);
    CHECK(e.length == d.length);
    for (int i = 0; i < 4; ++i) {
      CHECK(e.dims[i].size == d.dims[i].size);
      CHECK(e.dims[i].step == d.dims[i].step);
    }
    CHECK(e.iteration_step == 50);
    CHECK(e.iteration_size == 4);
    CHECK(e.acquire.id == 3);
    CHECK(e.acquire.value == -2);
    CHECK(e.release.id == 5);
    CHECK(e.release.value == 1);
    CHECK(e.next == 7);
  }
}

TEST_CASE("descriptors do not hold more than the hardware's") {
  auto with = [](TileKind kind, auto change) {
    Descriptor d = linear(16);
    change(d);
    return [kind, d] { d.encode(kind); };
  };
  CHECK_THROWS_WITH(with(TileKind::core, [](Descriptor& d) { d.length = 1 << 14; })(),
                    "the length in words is 16384; the descriptor of a core holds at most 16383");
  CHECK_THROWS_WITH(with(TileKind::shim, [](Descriptor& d) { d.dims[0].size = 1024; })(),
                    "a dim's size is 1024; the descriptor of a shim holds at most 1023");
  CHECK_THROWS_WITH(with(TileKind::shim, [](Descriptor& d) { d.dims[1].step = (1 << 20) + 1; })(),
                    "a dim's step less one is 1048576; the descriptor of a shim holds at most 1048575");
  CHECK_THROWS_AS(with(TileKind::memtile, [](Descriptor& d) { d.base = 1 << 21; })(), LimitError);
  CHECK_THROWS_AS(with(TileKind::shim, [](Descriptor& d) { d.iteration_size = 65; })(), LimitError);
  CHECK_THROWS_AS(with(TileKind::core, [](Descriptor& d) { d.acquires = true, d.acquire.id = 16; })(), LimitError);
  CHECK_THROWS_AS(with(TileKind::core, [](Descriptor& d) { d.base = 2; })(), LimitError);
}

TEST_CASE("data follows the descriptors") {
  Machine machine(npu1(), copier(16));
  Memory memory;
  Descriptor to = linear(16);
  to.dims = {{{4, 1}, {0, 8}, {}, {}}};  // rows of 4 words, 8 apart
  const Usage u = machine.execute(copy(linear(16), to), memory.arguments());
  for (uint32_t i = 0; i < 16; ++i) CHECK(memory.b[i / 4 * 8 + i % 4] == i);
  CHECK(u.read == 64);
  CHECK(u.written == 64);
  CHECK(u.pushes == 2);

  Descriptor from = linear(8);  // twice, the second time 20 words further
  from.iteration_step = 20, from.iteration_size = 2;
  machine.execute(copy(from, linear(16), 1), memory.arguments());
  for (uint32_t i = 0; i < 16; ++i) CHECK(memory.b[i] == (i < 8 ? i : i + 12));
}

TEST_CASE("a stream that breaks a limit is refused with the word and the limit") {
  const std::vector<uint32_t> good = copy(linear(16), linear(16));
  CHECK(refusal(good) == "");
  auto changed = [&](size_t word, uint32_t value) {
    auto s = good;
    s[word] = value;
    return s;
  };
  refuses({1, 2}, "word 0: the stream has 2 words");
  refuses(changed(0, 0x06040100), "word 0: the header says 0x06040100; npu1 wants 0x06030100");
  refuses(changed(1, 0x108), "word 1: the stream is for 8 columns");
  refuses(changed(2, 99), "word 2: the header counts 99 operations");
  refuses(changed(3, 4), "word 3: the header counts 4 bytes");
  refuses(changed(4, 9), "word 4: operation 9");
  refuses(changed(6, address(4, 0, 0x1D000)), "word 4: there is no tile (4,0)");
  refuses(changed(6, address(0, 0, 0x1E000)), "there is no register at 0x0001e000");
  refuses(changed(7, 16), "word 4: a block of 16 bytes");
  refuses(changed(7, 0xFFFFFFF0), "word 4: a block of");

  auto refused = [&](auto write, const std::string& part) {
    Instructions out(npu1());
    write(out);
    refuses(out.take(), part);
  };
  refused([](Instructions& o) { o.push(0, 0, Direction::out, 1, 0); }, "connects to nothing");
  refused([](Instructions& o) { o.patch(0, 0, 2, 0); }, "it wants buffer 2; the launch has 2");
  refused([](Instructions& o) { o.patch(0, 0, 0, 6); }, "not a multiple of 4");
  refused([](Instructions& o) { o.write(address(0, 1, lock_register(TileKind::memtile, 0)), 64); }, "locks hold 0 to 63");
  refused([](Instructions& o) { o.sync(0, 1, Direction::in, 0); }, "never comes");
  refused([](Instructions& o) { o.sync(0, 5, Direction::in, 0); }, "there is no tile (4,0)");
  refused([](Instructions& o) { o.sync(0, 1, Direction::in, 2); }, "no channel 2");
  refused(
      [](Instructions& o) {
        o.describe(0, 0, 0, linear(16));
        for (int i = 0; i < 5; ++i) o.push(0, 0, Direction::out, 0, 0);
      },
      "more than 4 tasks wait");
  refused(
      [](Instructions& o) {
        o.describe(0, 0, 0, linear(16));
        o.push(0, 0, Direction::out, 0, 0);
        o.describe(0, 0, 0, linear(16));
      },
      "written while a task uses it");
  refused(
      [](Instructions& o) {
        o.describe(0, 0, 0, linear(16));
        o.push(0, 0, Direction::out, 0, 0);
      },
      "the stream ends while shim (0,0) MM2S 0 still has a task");
  refuses(copy(linear(65), linear(65)), "goes past the end of its memory");
  refuses(copy(linear(16), linear(17)),
          "hang: a token of S2MM 0 never comes; shim (0,0) S2MM 0 is in descriptor 1 with 1 words left");
  CHECK_THROWS_AS(Machine(npu1(), copier(1 << 17)), LimitError);
}

TEST_CASE("memory tiles keep even and odd channels apart") {
  Design d = copier(16);
  Instructions out(npu1());
  out.describe(0, 1, 24, linear(16));
  out.push(0, 1, Direction::in, 0, 24);
  d.configuration = out.take();
  Machine machine(npu1(), d);
  Memory memory;
  CHECK_THROWS_WITH(machine.execute(copy(linear(16), linear(16)), memory.arguments()),
                    Catch::Matchers::EndsWith("uses descriptor 24; even channels have 0 to 23, odd ones 24 to 47"));
}

TEST_CASE("no mutated stream does harm") {  // NPURT_MUTATIONS=100000 for a longer look
  const char* wanted = std::getenv("NPURT_MUTATIONS");
  const int mutations = wanted ? std::atoi(wanted) : 2000;
  const GemmTile& t = gemm_i8();
  const GemmShape s = padded(npu1(), t, {1, 1, 1});
  const Design design = gemm_design(npu1(), t);
  const std::vector<uint32_t> good = gemm_instructions(npu1(), t, s);
  std::vector<std::byte> data(s.m * s.n * 4);
  std::mt19937 chance(11);
  auto machine = std::make_unique<Machine>(npu1(), design);
  unsigned refused = 0;
  for (int i = 0; i < mutations; ++i) {
    auto stream = good;
    for (unsigned n = 1 + chance() % 3; n > 0; --n) {
      uint32_t& w = stream[chance() % stream.size()];
      w = chance() % 2 ? w ^ 1U << chance() % 32 : static_cast<uint32_t>(chance());
    }
    if (chance() % 8 == 0) stream.resize(chance() % stream.size());
    const Argument a[] = {
        {0x100000000, data.data(), s.m * s.k}, {0x200000000, data.data(), s.k * s.n}, {0x300000000, data.data(), data.size()}};
    try {
      machine->execute(stream, a, 1 << 22);
    } catch (const std::runtime_error& e) {
      if (std::strlen(e.what()) <= 10) FAIL("a refusal without a reason");
      ++refused;
      machine = std::make_unique<Machine>(npu1(), design);
    }
  }
  CHECK(refused > static_cast<unsigned>(mutations) / 2);
}
