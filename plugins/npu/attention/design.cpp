#include "design.hpp"

#include <algorithm>
#include <kernels.hpp>
#include <manifests.hpp>

#include "../parts.hpp"
#include "../spread.hpp"

namespace npurt_npu {
namespace {

namespace tile = npurt_kernels::manifest_attention_bf16;
static_assert(tile::queries == kQueries && tile::keys == kKeys && tile::width == kWidth && tile::values == kValues);

constexpr unsigned kSide = kSpreadSide, kFirstCore = kSpreadFirstCore, kRing = tile::copies_of_stream;

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

}  // namespace

CoreProgram attention_program() { return attention_core; }

uint64_t query_bytes(const AttentionShape& s) { return s.heads * s.rounds() * kSide * kSide * kQueryBytes; }
uint64_t stream_bytes(const AttentionShape& s) { return s.heads * 3 * s.key_tiles() * kStreamBytes; }
uint64_t sum_bytes(const AttentionShape& s) { return s.heads * s.rounds() * kSide * kSide * kSumBytes; }

Design attention_design(const Generation& g) {
  return spread_design(g, "attention_bf16", {kStreamBytes, kQueryBytes, kSumBytes}, attention_program(), configure_core);
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
  for (uint64_t h = 0; h < s.heads; ++h) {
    if (h >= 2) out.sync(0, kSide, Direction::in, 0);
    const unsigned ping = h % 2;
    for (unsigned x = 0; x < kSide; ++x) {
      out.describe(x, 0, ping, pieces_of(kSumBytes, s.rounds()));
      out.patch(x, ping, 2, place_of_pieces(kSumBytes, h * s.rounds(), x));
      out.push(x, 0, Direction::in, 0, ping, 0, true);
      out.describe(x, 0, 2 + ping, pieces_of(kQueryBytes, s.rounds()));
      out.patch(x, 2 + ping, 0, place_of_pieces(kQueryBytes, h * s.rounds(), x));
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
  // K and V come as one piece for each round, in one channel, which has far more to do than those of Q and the sums.
  Pieces pieces;
  pieces.add(kPage, rounds);
  u.channel_cycles = channel_cycles(g, stream / 4, pieces);
  u.read = stream + query_bytes(s);
  u.written = sum_bytes(s);
  return u;
}

}  // namespace npurt_npu
