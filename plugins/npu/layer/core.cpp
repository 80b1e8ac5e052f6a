// What runs on each core of the layer's design.
#include <algorithm>
#include <kernels.hpp>
#include <manifests.hpp>

#include "../array.hpp"
#include "../parts.hpp"
#include "design.hpp"

namespace npurt_npu {
namespace {

namespace tile = npurt_kernels::manifest_encoder_layer_bf16;
namespace product = npurt_kernels::manifest_matmul_bf16;
namespace gelu = npurt_kernels::manifest_gelu_bf16;
static_assert(tile::m == product::m && tile::k == product::k && tile::n == product::n && tile::r == product::r &&
              tile::s == product::s && tile::t == product::t);

constexpr uint32_t kA = tile::bytes_of_a, kB = tile::bytes_of_b, kOut = tile::bytes_of_out, kUnit = 256;  // of bf16 rows
constexpr uint32_t kC = tile::m * tile::n * 4, kBiases = 2 * kB, kMostBiases = kBiases / (4 * tile::n);

enum CoreLock { kAFree, kAFull, kBFree, kBFull, kOutFree, kOutFull, kGo };

// Parts are never there at once: what one needs lies where another had its own.
struct Layout {
  uint32_t parameters, a[2], b[2], out[2];
  uint32_t sums, keys, values, top, p;  // attend
  uint32_t c, biases;                   // product
  uint32_t rows, found;                 // norm
  Layout() {
    Places places(tile::stack);
    parameters = places.take(24);
    for (uint32_t& x : a) x = places.take(kA);
    for (uint32_t& x : b) x = places.take(kB);
    for (uint32_t& x : out) x = places.take(kOut);  // next to each other: queries lie in both
    Places norm = places, multiply = places;
    sums = places.take(tile::bytes_of_sums);
    keys = places.take(tile::bytes_of_keys);
    values = places.take(tile::bytes_of_values);
    top = places.take(tile::bytes_of_top);
    p = places.take(tile::bytes_of_p);
    c = multiply.take(kC);
    biases = multiply.take(kBiases);
    rows = norm.take(4 * 4 * tile::most);
    found = norm.take(8);
  }
};

CoreTask layer_core(Core& core) {
  const Layout l;
  const npurt_kernels::Kernels& kernel = npurt_kernels::kernels();
  unsigned a = 0, b = 0, o = 0;  // whose turn it is
  auto word = [&](unsigned i) { return core.word(l.parameters + 4 * i); };
  auto copy = [&](uint32_t from, uint32_t to, uint32_t bytes) {
    kernel.encoder_layer_bf16_copy(core.at(from), core.at(to), bytes / 4);
    core.spend(uint64_t{tile::cycles_of_encoder_layer_bf16_copy} * bytes / kA);
  };
  // What follows a wrong parameter must stay inside of the memory.
  for (;;) {
    co_await core.acquire(kGo);
    const uint32_t place = word(5) % kArraySide;  // in the column for a norm, else in the row

    if (word(0) == kNormFunction) {  // batches of 16 rows, of which 4 are this core's
      const uint32_t batches = word(1), units = std::clamp(word(2), 1U, tile::most / 128);
      const auto share = __builtin_bit_cast(float, word(3));
      uint32_t filled = 0;  // of the piece that goes out
      for (uint32_t batch = 0; batch < batches; ++batch) {
        for (uint32_t piece = 0; piece < 2 * units; ++piece) {
          co_await core.acquire(kBFull);
          for (uint32_t i = 0; i < 8; ++i) {
            const uint32_t row = (8 * piece + i) / units, unit = (8 * piece + i) % units;
            if (row / 4 == place) copy(l.b[b] + 2 * kUnit * i, l.rows + (row % 4 * units + unit) * 2 * kUnit, 2 * kUnit);
          }
          core.release(kBFree);
          b ^= 1;
        }
        for (uint32_t row = 0; row < 4; ++row) {
          const uint32_t first = l.rows + row * units * 2 * kUnit;
          kernel.encoder_layer_bf16_measure(core.at(first), core.at(l.found), units * 128, share);
          core.spend(uint64_t{tile::cycles_of_encoder_layer_bf16_measure} * units * 128 / tile::most);
          for (uint32_t unit = 0; unit < units; ++unit) {
            if (filled == 0) co_await core.acquire(kOutFree);
            kernel.encoder_layer_bf16_normalise(core.at(first + unit * 2 * kUnit), core.at(l.found), core.at(l.out[o] + filled));
            core.spend(tile::cycles_of_encoder_layer_bf16_normalise);
            if ((filled = (filled + kUnit) % kOut) != 0) continue;
            core.release(kOutFull);
            o ^= 1;
          }
        }
      }
    } else if (word(0) == kProductFunction) {
      const uint32_t tiles = word(1), steps = word(2), flags = word(3), across = std::clamp(word(4), 1U, kMostBiases);
      for (uint32_t i = 0; i < (across * 4 * tile::n + kB - 1) / kB; ++i) {
        co_await core.acquire(kBFull);
        copy(l.b[b], l.biases + i * kB, kB);
        core.release(kBFree);
        b ^= 1;
      }
      for (uint32_t i = 0; i < tiles; ++i) {
        if (flags & kAdds) {  // C begins as what it is added to: a tile of f32 is cut into blocks as C is
          for (uint32_t x = 0; x < kArraySide; ++x) {
            co_await core.acquire(kAFull);
            if (x == place) copy(l.a[a], l.c, kC);
            core.release(kAFree);
            a ^= 1;
          }
        } else {
          kernel.matmul_bf16_clear(core.at(l.c));
          core.spend(product::cycles_of_matmul_bf16_clear);
        }
        for (uint32_t s = 0; s < steps; ++s) {
          co_await core.acquire(kAFull);
          co_await core.acquire(kBFull);
          kernel.matmul_bf16(core.at(l.a[a]), core.at(l.b[b]), core.at(l.c));
          core.spend(product::cycles_of_matmul_bf16);
          core.release(kAFree);
          core.release(kBFree);
          a ^= 1, b ^= 1;
        }
        const std::byte* bias = core.at(l.biases + i % across * 4 * tile::n);
        for (uint32_t half = 0; half < (flags & kAdds ? 2U : 1U); ++half) {
          co_await core.acquire(kOutFree);
          std::byte* out = core.at(l.out[o]);
          if (flags & kAdds) {
            kernel.encoder_layer_bf16_finish_f32(core.at(l.c), bias, out, half);
            core.spend(tile::cycles_of_encoder_layer_bf16_finish_f32);
          } else {
            kernel.encoder_layer_bf16_finish(core.at(l.c), bias, out);
            core.spend(tile::cycles_of_encoder_layer_bf16_finish);
          }
          if (flags & kGelu) {
            kernel.gelu_bf16(out, out, tile::m * tile::n);
            core.spend(uint64_t{gelu::cycles_of_gelu_bf16} * tile::m * tile::n / gelu::values);
          }
          core.release(kOutFull);
          o ^= 1;
        }
      }
    } else if (word(0) == kAttendFunction) {
      const uint32_t steps = word(1), tiles = word(2), last = std::min(word(3), tile::keys);
      for (uint32_t step = 0; step < steps; ++step) {
        co_await core.acquire(kOutFree, 2);  // queries lie there until the sums are done
        for (uint32_t x = 0; x < kArraySide; ++x) {
          co_await core.acquire(kAFull);
          if (x == place) copy(l.a[a], l.out[0], kA);
          core.release(kAFree);
          a ^= 1;
        }
        const std::byte* q = core.at(l.out[0]);
        std::byte *sums = core.at(l.sums), *top = core.at(l.top);
        kernel.encoder_layer_bf16_begin(sums, top, core.at(l.values));
        core.spend(tile::cycles_of_encoder_layer_bf16_begin);
        for (uint32_t pass = 0; pass < 2; ++pass)
          for (uint32_t i = 0; i < tiles; ++i) {
            const uint32_t valid = i + 1 < tiles ? tile::keys : last;
            co_await core.acquire(kBFull);
            kernel.encoder_layer_bf16_keys(core.at(l.b[b]), core.at(l.keys));
            core.spend(tile::cycles_of_encoder_layer_bf16_keys);
            core.release(kBFree);
            b ^= 1;
            if (pass == 0) {
              kernel.encoder_layer_bf16_maximum(q, core.at(l.keys), top, valid);
              core.spend(tile::cycles_of_encoder_layer_bf16_maximum);
              continue;
            }
            co_await core.acquire(kBFull);
            kernel.encoder_layer_bf16_values(core.at(l.b[b]), core.at(l.values));
            core.spend(tile::cycles_of_encoder_layer_bf16_values);
            core.release(kBFree);
            b ^= 1;
            kernel.encoder_layer_bf16_add(q, core.at(l.keys), core.at(l.values), sums, top, core.at(l.p), valid);
            core.spend(tile::cycles_of_encoder_layer_bf16_add);
          }
        for (uint32_t half = 0; half < 2; ++half) {
          kernel.encoder_layer_bf16_divide(sums, core.at(l.out[o]), half);
          core.spend(tile::cycles_of_encoder_layer_bf16_divide);
          core.release(kOutFull);
          o ^= 1;
        }
      }
    }
  }
}

void configure_core(Instructions& out, unsigned x, unsigned y) {
  const Layout l;
  auto lock = [&](unsigned id, uint32_t value) { out.write(address(x, y, lock_register(TileKind::core, id)), value); };
  lock(kAFree, 2), lock(kBFree, 2), lock(kOutFree, 2);
  for (unsigned id : {kAFull, kBFull, kOutFull, kGo}) lock(id, 0);
  ring(out, x, y, Direction::in, 0, {0, 1}, [&](unsigned i) { return part(l.a[i], kA, take(kAFree), give(kAFull)); });
  ring(out, x, y, Direction::in, 1, {2, 3}, [&](unsigned i) { return part(l.b[i], kB, take(kBFree), give(kBFull)); });
  ring(out, x, y, Direction::out, 0, {4, 5}, [&](unsigned i) { return part(l.out[i], kOut, take(kOutFull), give(kOutFree)); });
}

}  // namespace

CoreProgram layer_program() { return layer_core; }

// Pieces of A, two of which come side by side, are cut into blocks of r x s, whatever they hold; C leaves as it comes.
Design layer_design(const Generation& g) {
  if (g.columns < kArraySide)
    throw LimitError(std::string("the layer design needs 4 columns; ") + g.name + " has " + std::to_string(g.columns));
  constexpr unsigned kRow = 2 * tile::k / 2, kBlock = tile::s / 2;  // words
  const std::array<Dim, 4> blocks{{{kBlock, 1}, {tile::r, kRow}, {tile::k / tile::s, kBlock}, {0, tile::r * kRow}}};
  const Array array{kArraySide, kA, kB, kOut, blocks, {}, 2, 2 * tile::k};
  return array_design(g, "encoder_layer_bf16", array, layer_program(), configure_core);
}

void start_core(Instructions& out, unsigned x, unsigned y, std::vector<uint32_t> parameters) {
  out.write_block(address(x, y, Layout().parameters), parameters);
  out.write(address(x, y, lock_register(TileKind::core, kGo)), 1);
}

}  // namespace npurt_npu
