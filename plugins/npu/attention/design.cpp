#include "design.hpp"

#include <algorithm>
#include <kernels.hpp>
#include <manifests.hpp>

#include "../parts.hpp"

namespace npurt_npu {
namespace {

namespace tile = npurt_kernels::manifest_attention_bf16;
static_assert(tile::queries == kQueries && tile::keys == kKeys && tile::width == kWidth && tile::values == kValues);

constexpr unsigned kSide = 4, kFirstCore = 2, kRing = tile::copies_of_stream;

enum CoreLock { kStreamFree, kStreamFull, kQueryFree, kQueryFull, kSumFree, kSumFull, kGo };

struct Layout {
  uint32_t parameters, stream[kRing], q[2], sums, top, p;  // parameters: rounds, tiles of keys, keys in the last tile
  Layout() {
    Places places(tile::stack);
    parameters = places.take(12);
    for (uint32_t& s : stream) s = places.take(kStreamBytes);
    for (uint32_t& x : q) x = places.take(kQueryBytes);
    sums = places.take(kSumBytes);
    top = places.take(tile::bytes_of_top);
    p = places.take(tile::bytes_of_p);
  }
};

CoreTask attention_core(Core& core) {
  const Layout l;
  const npurt_kernels::Kernels& kernel = npurt_kernels::kernels();
  for (unsigned at = 0, which = 0;;) {
    co_await core.acquire(kGo);
    const uint32_t rounds = core.word(l.parameters), tiles = core.word(l.parameters + 4), last = core.word(l.parameters + 8);
    for (uint32_t round = 0; round < rounds; ++round) {
      co_await core.acquire(kSumFree);
      co_await core.acquire(kQueryFull);
      const std::byte* q = core.at(l.q[which]);
      kernel.attention_bf16_begin(core.at(l.sums), core.at(l.top));
      core.spend(tile::cycles_of_attention_bf16_begin);
      auto next = [&] { return l.stream[std::exchange(at, (at + 1) % kRing)]; };
      // The last tile may be short; what follows a wrong parameter must stay inside a tile.
      auto valid = [&](uint32_t i) { return i + 1 < tiles ? tile::keys : std::min(last, tile::keys); };
      for (uint32_t i = 0; i < tiles; ++i) {
        co_await core.acquire(kStreamFull);
        kernel.attention_bf16_maximum(q, core.at(next()), core.at(l.top), valid(i));
        core.spend(tile::cycles_of_attention_bf16_maximum);
        core.release(kStreamFree);
      }
      for (uint32_t i = 0; i < tiles; ++i) {
        co_await core.acquire(kStreamFull, 2);
        const std::byte *k = core.at(next()), *v = core.at(next());
        kernel.attention_bf16_add(q, k, v, core.at(l.sums), core.at(l.top), core.at(l.p), valid(i));
        core.spend(tile::cycles_of_attention_bf16_add);
        core.release(kStreamFree, 2);
      }
      core.release(kQueryFree);
      core.release(kSumFull);
      which ^= 1;
    }
  }
}

void configure_core(Instructions& out, unsigned x, unsigned y) {
  const Layout l;
  auto lock = [&](unsigned id, uint32_t value) { out.write(address(x, y, lock_register(TileKind::core, id)), value); };
  lock(kStreamFree, kRing), lock(kStreamFull, 0), lock(kQueryFree, 2), lock(kQueryFull, 0), lock(kSumFree, 1), lock(kSumFull, 0);
  lock(kGo, 0);
  ring(out, x, y, Direction::in, 0, {0, 1, 2},
       [&](unsigned i) { return part(l.stream[i], kStreamBytes, take(kStreamFree), give(kStreamFull)); });
  ring(out, x, y, Direction::in, 1, {3, 4},
       [&](unsigned i) { return part(l.q[i], kQueryBytes, take(kQueryFree), give(kQueryFull)); });
  ring(out, x, y, Direction::out, 0, {5}, [&](unsigned) { return part(l.sums, kSumBytes, take(kSumFull), give(kSumFree)); });
}

// Q of four cores arrives in turns and leaves on a channel each; sums the other way round. Each piece has its own two locks.
void configure_memtile(Instructions& out, unsigned x) {
  enum { kStream = 0, kQuery = 2, kSum = 2 + 2 * kSide };  // free; full is the next one
  auto lock = [&](unsigned id, uint32_t value) { out.write(address(x, 1, lock_register(TileKind::memtile, id)), value); };
  lock(kStream, 2), lock(kStream + 1, 0);
  for (unsigned i = 0; i < kSide; ++i)
    for (unsigned first : {kQuery + 2 * i, kSum + 2 * i}) lock(first, 1), lock(first + 1, 0);
  Places places(0);
  const uint32_t stream = places.take(2 * kStreamBytes), q = places.take(kSide * kQueryBytes),
                 sums = places.take(kSide * kSumBytes);

  if (x == 0) {
    ring(out, x, 1, Direction::in, 0, {0, 1},
         [&](unsigned i) { return part(stream + i * kStreamBytes, kStreamBytes, take(kStream), give(kStream + 1)); });
    ring(out, x, 1, Direction::out, 0, {2, 3},
         [&](unsigned i) { return part(stream + i * kStreamBytes, kStreamBytes, take(kStream + 1), give(kStream)); });
  }
  ring(out, x, 1, Direction::in, 1, {24, 25, 26, 27},
       [&](unsigned i) { return part(q + i * kQueryBytes, kQueryBytes, take(kQuery + 2 * i), give(kQuery + 2 * i + 1)); });
  ring(out, x, 1, Direction::out, 5, {28, 29, 30, 31},
       [&](unsigned i) { return part(sums + i * kSumBytes, kSumBytes, take(kSum + 2 * i + 1), give(kSum + 2 * i)); });
  for (unsigned i = 0; i < kSide; ++i) {
    const unsigned to_core = 1 + i, from_core = 2 + i;  // channels; even ones and odd ones have their own descriptors
    ring(out, x, 1, Direction::out, to_core, {to_core % 2 ? 32 + i : 4 + i},
         [&](unsigned) { return part(q + i * kQueryBytes, kQueryBytes, take(kQuery + 2 * i + 1), give(kQuery + 2 * i)); });
    ring(out, x, 1, Direction::in, from_core, {from_core % 2 ? 36 + i : 8 + i},
         [&](unsigned) { return part(sums + i * kSumBytes, kSumBytes, take(kSum + 2 * i), give(kSum + 2 * i + 1)); });
  }
}

}  // namespace

uint64_t query_bytes(const AttentionShape& s) { return s.heads * s.rounds() * kSide * kSide * kQueryBytes; }
uint64_t stream_bytes(const AttentionShape& s) { return s.heads * 3 * s.key_tiles() * kStreamBytes; }
uint64_t sum_bytes(const AttentionShape& s) { return s.heads * s.rounds() * kSide * kSide * kSumBytes; }

Design attention_design(const Generation& g) {
  if (g.columns != kSide)
    throw LimitError(std::string("the attention design needs 4 columns; ") + g.name + " has another number");
  Instructions out(g);
  Design d;
  d.name = "attention_bf16";
  Route stream{{0, 1, 0}, {}};
  for (unsigned x = 0; x < kSide; ++x) {
    configure_memtile(out, x);
    for (unsigned i = 0; i < kSide; ++i) {
      const unsigned y = kFirstCore + i;
      configure_core(out, x, y);
      d.cores.push_back({x, y, attention_core});
      stream.to.push_back({x, y, 0});
      d.routes.push_back({{x, 1, 1 + i}, {{x, y, 1}}});
      d.routes.push_back({{x, y, 0}, {{x, 1, 2 + i}}});
    }
    d.routes.push_back({{x, 0, 1}, {{x, 1, 1}}});
    d.routes.push_back({{x, 1, 5}, {{x, 0, 0}}});
  }
  d.routes.push_back({{0, 0, 0}, {{0, 1, 0}}});
  d.routes.push_back(stream);
  d.configuration = out.take();
  return d;
}

std::vector<uint32_t> attention_instructions(const Generation& g, const AttentionShape& s) {
  if (s.heads == 0 || s.length == 0) throw LimitError("attention over nothing");
  Instructions out(g);
  const Layout l;
  const auto rounds = static_cast<uint32_t>(s.heads * s.rounds()), tiles = static_cast<uint32_t>(s.key_tiles());
  const auto last = static_cast<uint32_t>(s.length - (tiles - 1) * kKeys);
  for (unsigned x = 0; x < kSide; ++x)
    for (unsigned y = kFirstCore; y < kFirstCore + kSide; ++y) {
      out.write_block(address(x, y, l.parameters), {rounds, tiles, last});
      out.write(address(x, y, lock_register(TileKind::core, kGo)), 1);
    }
  // A column's four pieces of each round of a head, in rows of 512 words.
  auto pieces = [&](uint64_t bytes) {
    Descriptor d;
    const auto words = static_cast<uint32_t>(bytes / 4 * kSide);
    d.length = words * static_cast<uint32_t>(s.rounds());
    d.dims = {{{512, 1}, {words / 512, 512}, {0, words * kSide}, {}}};
    return d;
  };
  static_assert(kQueryBytes % 512 == 0 && kSumBytes % 512 == 0);
  for (uint64_t h = 0; h < s.heads; ++h) {
    if (h >= 2) out.sync(0, kSide, Direction::in, 0);
    const unsigned ping = h % 2;
    for (unsigned x = 0; x < kSide; ++x) {
      const uint64_t piece = (h * s.rounds() * kSide + x) * kSide;
      out.describe(x, 0, ping, pieces(kSumBytes));
      out.patch(x, ping, 2, piece * kSumBytes);
      out.push(x, 0, Direction::in, 0, ping, 0, true);
      out.describe(x, 0, 2 + ping, pieces(kQueryBytes));
      out.patch(x, 2 + ping, 0, piece * kQueryBytes);
      out.push(x, 0, Direction::out, 1, 2 + ping);
    }
    Descriptor stream;
    const uint64_t bytes = 3 * s.key_tiles() * kStreamBytes;
    stream.length = static_cast<uint32_t>(bytes / 4);
    out.describe(0, 0, 4 + ping, stream);
    out.patch(0, 4 + ping, 1, h * bytes);
    out.push(0, 0, Direction::out, 0, 4 + ping, static_cast<unsigned>(s.rounds() - 1));
  }
  for (uint64_t i = 0; i < std::min<uint64_t>(2, s.heads); ++i) out.sync(0, kSide, Direction::in, 0);
  return out.take();
}

Usage attention_usage(const Generation& g, const AttentionShape& s) {
  const uint64_t rounds = s.heads * s.rounds(), tiles = s.key_tiles(), stream = rounds * 3 * tiles * kStreamBytes;
  Usage u;
  u.core_cycles = rounds * (tile::cycles_of_attention_bf16_begin +
                            tiles * (tile::cycles_of_attention_bf16_maximum + tile::cycles_of_attention_bf16_add));
  // Sums leave in rows of 512 words; K and V come as one piece for each round.
  const uint64_t sums = sum_bytes(s) / kSide;
  u.channel_cycles = std::max(channel_cycles(g, stream / 4, rounds), channel_cycles(g, sums / 4, sums / 2048));
  u.read = stream + query_bytes(s);
  u.written = sum_bytes(s);
  return u;
}

}  // namespace npurt_npu
