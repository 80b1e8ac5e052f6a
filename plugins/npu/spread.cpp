#include "spread.hpp"

#include "parts.hpp"

namespace npurt_npu {
namespace {

constexpr unsigned kSide = kSpreadSide;

// Pieces of four cores arrive in turns and leave on a channel each; the other way round on the way back. Each piece has its own
// two locks.
void configure_memtile(Instructions& out, unsigned x, const Spread& s) {
  enum { kStream = 0, kIn = 2, kOut = 2 + 2 * kSide };  // free; full is the next one
  auto lock = [&](unsigned id, uint32_t value) { out.write(address(x, 1, lock_register(TileKind::memtile, id)), value); };
  lock(kStream, 2), lock(kStream + 1, 0);
  for (unsigned i = 0; i < kSide; ++i)
    for (unsigned first : {kIn + 2 * i, kOut + 2 * i}) lock(first, 1), lock(first + 1, 0);
  Places places(0);
  const uint32_t stream = places.take(2 * s.stream), in = places.take(kSide * s.in), back = places.take(kSide * s.out);

  if (x == 0) {
    ring(out, x, 1, Direction::in, 0, {0, 1},
         [&](unsigned i) { return part(stream + i * s.stream, s.stream, take(kStream), give(kStream + 1)); });
    ring(out, x, 1, Direction::out, 0, {2, 3},
         [&](unsigned i) { return part(stream + i * s.stream, s.stream, take(kStream + 1), give(kStream)); });
  }
  ring(out, x, 1, Direction::in, 1, {24, 25, 26, 27},
       [&](unsigned i) { return part(in + i * s.in, s.in, take(kIn + 2 * i), give(kIn + 2 * i + 1)); });
  ring(out, x, 1, Direction::out, 5, {28, 29, 30, 31},
       [&](unsigned i) { return part(back + i * s.out, s.out, take(kOut + 2 * i + 1), give(kOut + 2 * i)); });
  for (unsigned i = 0; i < kSide; ++i) {
    const unsigned to_core = 1 + i, from_core = 2 + i;  // channels; even ones and odd ones have their own descriptors
    ring(out, x, 1, Direction::out, to_core, {to_core % 2 ? 32 + i : 4 + i},
         [&](unsigned) { return part(in + i * s.in, s.in, take(kIn + 2 * i + 1), give(kIn + 2 * i)); });
    ring(out, x, 1, Direction::in, from_core, {from_core % 2 ? 36 + i : 8 + i},
         [&](unsigned) { return part(back + i * s.out, s.out, take(kOut + 2 * i), give(kOut + 2 * i + 1)); });
  }
}

}  // namespace

void configure_memtiles(Instructions& out, const Spread& s) {
  for (unsigned x = 0; x < kSide; ++x) configure_memtile(out, x, s);
}

std::vector<Route> spread_routes() {
  std::vector<Route> routes;
  Route stream{{0, 1, 0}, {}};
  for (unsigned x = 0; x < kSide; ++x) {
    for (unsigned i = 0; i < kSide; ++i) {
      const unsigned y = kSpreadFirstCore + i;
      stream.to.push_back({x, y, 0});
      routes.push_back({{x, 1, 1 + i}, {{x, y, 1}}});
      routes.push_back({{x, y, 0}, {{x, 1, 2 + i}}});
    }
    routes.push_back({{x, 0, 1}, {{x, 1, 1}}});
    routes.push_back({{x, 1, 5}, {{x, 0, 0}}});
  }
  routes.push_back({{0, 0, 0}, {{0, 1, 0}}});
  routes.push_back(stream);
  return routes;
}

Design spread_design(const Generation& g, const std::string& name, const Spread& s, const CoreProgram& program,
                     const std::function<void(Instructions&, unsigned, unsigned)>& configure) {
  if (g.columns < kSpreadSide)
    throw LimitError("the " + name.substr(0, name.rfind('_')) + " design needs 4 columns; " + g.name + " has " +
                     std::to_string(g.columns));
  Instructions out(g);
  Design d;
  d.name = name;
  d.routes = spread_routes();
  configure_memtiles(out, s);
  for (unsigned x = 0; x < kSpreadSide; ++x)
    for (unsigned y = kSpreadFirstCore; y < kSpreadFirstCore + kSpreadSide; ++y) {
      configure(out, x, y);
      d.cores.push_back({x, y, d.name, program});
    }
  d.configuration = out.take();
  return d;
}

Descriptor pieces_of(uint64_t bytes, uint64_t rounds) {
  constexpr uint32_t kRow = 512;
  if (bytes % (kRow * 4 / kSide)) throw LimitError("a piece of " + std::to_string(bytes) + " bytes; wanted rows of 512 words");
  Descriptor d;
  const auto words = static_cast<uint32_t>(bytes / 4 * kSide);
  d.length = words * static_cast<uint32_t>(rounds);
  d.dims = {{{kRow, 1}, {words / kRow, kRow}, {0, words * kSide}, {}}};
  return d;
}

uint64_t place_of_pieces(uint64_t bytes, uint64_t first, unsigned column) { return (first * kSide + column) * kSide * bytes; }

}  // namespace npurt_npu
