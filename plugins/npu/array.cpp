#include "array.hpp"

#include "parts.hpp"

namespace npurt_npu {
namespace {

constexpr unsigned kCores = kArraySide;

void configure_memtile(Instructions& out, const Array& array, unsigned x, bool brings_a) {
  enum { kAIn, kAOut, kBIn, kBOut, kCIn };  // locks; kCIn + 2i: free, + 1: full, of core i
  auto lock = [&](unsigned id, uint32_t value) { out.write(address(x, 1, lock_register(TileKind::memtile, id)), value); };
  const uint32_t a = array.a * array.a_parts, b = array.b, c = array.c, b_base = 2 * a, c_base = 2 * a + 2 * b;
  const auto parts = static_cast<int8_t>(array.a_parts);
  lock(kAIn, 2 * array.a_parts), lock(kAOut, 0), lock(kBIn, 2), lock(kBOut, 0);
  for (unsigned i = 0; i < kCores; ++i) lock(kCIn + 2 * i, 2), lock(kCIn + 2 * i + 1, 0);

  if (brings_a) {
    const LockUse room{kAIn, static_cast<int8_t>(-parts)}, all{kAOut, parts};
    ring(out, x, 1, Direction::in, 0, {0, 1}, [&](unsigned i) { return part(i * a, a, room, all); });
    std::vector<unsigned> ids{6, 7};
    for (unsigned i = 2; i < 2 * array.a_parts; ++i) ids.push_back(14 + i);
    ring(out, x, 1, Direction::out, 0, ids, [&](unsigned i) {
      Descriptor d = part(i / array.a_parts * a + i % array.a_parts * array.a_row, array.a, take(kAOut), give(kAIn));
      d.dims = array.a_order;
      return d;
    });
  }
  ring(out, x, 1, Direction::in, 1, {24, 25}, [&](unsigned i) { return part(b_base + i * b, b, take(kBIn), give(kBOut)); });
  ring(out, x, 1, Direction::out, 1, {30, 31}, [&](unsigned i) { return part(b_base + i * b, b, take(kBOut), give(kBIn)); });
  for (unsigned core = 0; core < kCores; ++core) {
    const unsigned first = core % 2 ? 26 + core - 1 : 2 + core;  // even channels and odd ones have their own descriptors
    ring(out, x, 1, Direction::in, 2 + core, {first, first + 1},
         [&](unsigned i) { return part(c_base + (2 * core + i) * c, c, take(kCIn + 2 * core), give(kCIn + 2 * core + 1)); });
  }
  ring(out, x, 1, Direction::out, 2, {8, 9, 10, 11, 12, 13, 14, 15}, [&](unsigned i) {
    const unsigned core = i % kCores, copy = i / kCores;
    Descriptor d = part(c_base + (2 * core + copy) * c, c, take(kCIn + 2 * core + 1), give(kCIn + 2 * core));
    d.dims = array.c_order;
    return d;
  });
}

}  // namespace

Design array_design(const Generation& g, const std::string& name, const Array& array, const CoreProgram& program,
                    const std::function<void(Instructions&, unsigned, unsigned)>& configure) {
  Instructions out(g);
  Design d;
  d.name = name;
  for (unsigned x = 0; x < array.columns; ++x) {
    const bool brings_a = x % array.stride() == 0;
    configure_memtile(out, array, x, brings_a);
    Route b{{x, 1, 1}, {}};
    for (unsigned y = kArrayFirstCore; y < kArrayFirstCore + kCores; ++y) {
      configure(out, x, y);
      d.cores.push_back({x, y, name, program});
      b.to.push_back({x, y, 1});
      d.routes.push_back({{x, y, 0}, {{x, 1, 2 + y - kArrayFirstCore}}});
    }
    if (brings_a) {
      Route a{{x, 1, 0}, {}};
      for (unsigned i = 0; i < array.columns; ++i) a.to.push_back({i, kArrayFirstCore + x / array.stride(), 0});
      d.routes.push_back({{x, 0, 0}, {{x, 1, 0}}});
      d.routes.push_back(a);
    }
    d.routes.push_back({{x, 0, 1}, {{x, 1, 1}}});
    d.routes.push_back(b);
    d.routes.push_back({{x, 1, 2}, {{x, 0, 0}}});
  }
  d.configuration = out.take();
  return d;
}

}  // namespace npurt_npu
