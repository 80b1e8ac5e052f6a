#include "design.hpp"

#include <algorithm>
#include <kernels.hpp>
#include <manifests.hpp>

#include "../parts.hpp"
#include "../spread.hpp"
#include "../virtual/cost.hpp"

namespace npurt_npu {
namespace {

namespace tile = npurt_kernels::manifest_layer_norm_bf16;
static_assert(2 * tile::values == kRowPiece && 4 * tile::most == kScaleBytes);

enum CoreLock { kScaleFree, kScaleFull, kInFree, kInFull, kOutFree, kOutFull, kGo };

struct Layout {
  uint32_t parameters, scale, x[2], y[2];  // parameters: rounds, rows of a piece, width, 1 / width
  Layout() {
    Places places(tile::stack);
    parameters = places.take(16);
    scale = places.take(kScaleBytes);
    for (uint32_t& p : x) p = places.take(kRowPiece);
    for (uint32_t& p : y) p = places.take(kRowPiece);
  }
};

CoreTask layer_norm_core(Core& core) {
  const Layout l;
  for (unsigned which = 0;;) {
    co_await core.acquire(kGo);
    const uint32_t rounds = core.word(l.parameters), width = std::clamp(core.word(l.parameters + 8), 1U, tile::most) / 16 * 16;
    // What follows a wrong parameter must stay inside of a piece.
    const uint32_t rows = width ? std::min(core.word(l.parameters + 4), tile::values / width) : 0;
    const auto share = __builtin_bit_cast(float, core.word(l.parameters + 12));
    co_await core.acquire(kScaleFull);
    for (uint32_t i = 0; i < rounds; ++i) {
      co_await core.acquire(kInFull);
      co_await core.acquire(kOutFree);
      npurt_kernels::kernels().layer_norm_bf16(core.at(l.x[which]), core.at(l.scale), core.at(l.y[which]), rows, width, share);
      core.spend(tile::cycles_of_layer_norm_bf16);
      core.release(kInFree);
      core.release(kOutFull);
      which ^= 1;
    }
    core.release(kScaleFree);
  }
}

void configure_core(Instructions& out, unsigned x, unsigned y) {
  const Layout l;
  auto lock = [&](unsigned id, uint32_t value) { out.write(address(x, y, lock_register(TileKind::core, id)), value); };
  lock(kScaleFree, 1), lock(kScaleFull, 0), lock(kInFree, 2), lock(kInFull, 0), lock(kOutFree, 2), lock(kOutFull, 0),
      lock(kGo, 0);
  ring(out, x, y, Direction::in, 0, {0},
       [&](unsigned) { return part(l.scale, kScaleBytes, take(kScaleFree), give(kScaleFull)); });
  ring(out, x, y, Direction::in, 1, {1, 2}, [&](unsigned i) { return part(l.x[i], kRowPiece, take(kInFree), give(kInFull)); });
  ring(out, x, y, Direction::out, 0, {3, 4}, [&](unsigned i) { return part(l.y[i], kRowPiece, take(kOutFull), give(kOutFree)); });
}

}  // namespace

uint64_t Rows::in_piece() const { return tile::values / width; }

CoreProgram layer_norm_program() { return layer_norm_core; }

Design layer_norm_design(const Generation& g) {
  return spread_design(g, "layer_norm_bf16", {kScaleBytes, kRowPiece, kRowPiece}, layer_norm_program(), configure_core);
}

std::vector<uint32_t> layer_norm_instructions(const Generation& g, const Rows& r) {
  if (r.width == 0 || r.width % 16 || r.width > tile::most || r.count == 0)
    throw LimitError("rows of " + std::to_string(r.width) + " values; a core takes multiples of 16 up to " +
                     std::to_string(tile::most));
  Instructions out(g);
  const Layout l;
  const float share = 1.0F / static_cast<float>(r.width);
  for (unsigned x = 0; x < kSpreadSide; ++x)
    for (unsigned y = kSpreadFirstCore; y < kSpreadFirstCore + kSpreadSide; ++y) {
      out.write_block(address(x, y, l.parameters), {static_cast<uint32_t>(r.rounds()), static_cast<uint32_t>(r.in_piece()),
                                                    static_cast<uint32_t>(r.width), __builtin_bit_cast(uint32_t, share)});
      out.write(address(x, y, lock_register(TileKind::core, kGo)), 1);
    }
  for (unsigned x = 0; x < kSpreadSide; ++x) {
    out.describe(x, 0, 0, pieces_of(kRowPiece, r.rounds()));
    out.patch(x, 0, 2, place_of_pieces(kRowPiece, 0, x));
    out.push(x, 0, Direction::in, 0, 0, 0, true);
    out.describe(x, 0, 1, pieces_of(kRowPiece, r.rounds()));
    out.patch(x, 1, 0, place_of_pieces(kRowPiece, 0, x));
    out.push(x, 0, Direction::out, 1, 1);
  }
  Descriptor scale;
  scale.length = kScaleBytes / 4;
  out.describe(0, 0, 2, scale);
  out.patch(0, 2, 1, 0);
  out.push(0, 0, Direction::out, 0, 2);
  out.sync(0, kSpreadSide, Direction::in, 0);
  return out.take();
}

Usage layer_norm_usage(const Generation& g, const Rows& r) {
  Usage u;
  u.core_cycles = r.rounds() * tile::cycles_of_layer_norm_bf16;
  const uint64_t column = row_bytes(r) / kSpreadSide, row = uint64_t{4} * 512;  // a channel moves rows of 512 words
  Pieces pieces;
  pieces.add(kPage);
  pieces.add(row, column / row - r.rounds());
  pieces.add((kSpreadSide - 1) * kSpreadSide * kRowPiece + row, r.rounds() - 1);
  u.channel_cycles = channel_cycles(g, column / 4, pieces);
  u.read = row_bytes(r) + kScaleBytes;
  u.written = row_bytes(r);
  return u;
}

}  // namespace npurt_npu
