#include "gemm.hpp"

#include <kernels.hpp>
#include <manifests.hpp>

#include "array.hpp"
#include "parts.hpp"
#include "virtual/cost.hpp"

namespace npurt_npu {
namespace {

constexpr unsigned kCores = kArraySide, kFirstCore = kArrayFirstCore;

// From one column that brings A to the next.
unsigned stride(const Generation& g) { return g.columns / kCores; }

// A core's locks and data memory.
enum CoreLock { kAFree, kAFull, kBFree, kBFull, kCFree, kCFull, kGo };
struct CoreLayout {
  uint32_t parameters, a[2], b[2], c[2];  // parameters: tiles of C, steps for each
};

CoreLayout layout_of(const GemmTile& t) {
  CoreLayout l{};
  Places places(t.stack);
  l.parameters = places.take(8);
  for (uint32_t& a : l.a) a = places.take(t.m * t.k * t.in_bytes);
  for (uint32_t& b : l.b) b = places.take(t.k * t.n * t.in_bytes);
  for (unsigned i = 0; i < 2; ++i) l.c[i] = i < t.copies_of_c ? places.take(t.m * t.n * t.out_bytes) : l.c[0];
  return l;
}

CoreTask gemm_core(Core& core, GemmTile t) {
  const CoreLayout l = layout_of(t);
  for (unsigned a = 0, c = 0;;) {
    co_await core.acquire(kGo);
    const uint32_t tiles = core.word(l.parameters), steps = core.word(l.parameters + 4);
    for (uint32_t i = 0; i < tiles; ++i) {
      co_await core.acquire(kCFree);
      t.clear(core.at(l.c[c]));
      core.spend(t.cycles_to_clear);
      for (uint32_t s = 0; s < steps; ++s) {
        co_await core.acquire(kAFull);
        co_await core.acquire(kBFull);
        t.multiply(core.at(l.a[a]), core.at(l.b[a]), core.at(l.c[c]));
        core.spend(t.cycles);
        core.release(kAFree);
        core.release(kBFree);
        a ^= 1;
      }
      core.release(kCFull);
      c = (c + 1) % t.copies_of_c;
    }
  }
}

void configure_core(Instructions& out, const GemmTile& t, unsigned x, unsigned y) {
  const CoreLayout l = layout_of(t);
  auto lock = [&](unsigned id, uint32_t value) { out.write(address(x, y, lock_register(TileKind::core, id)), value); };
  lock(kAFree, 2), lock(kBFree, 2), lock(kCFree, t.copies_of_c);
  lock(kAFull, 0), lock(kBFull, 0), lock(kCFull, 0), lock(kGo, 0);
  ring(out, x, y, Direction::in, 0, {0, 1},
       [&](unsigned i) { return part(l.a[i], t.m * t.k * t.in_bytes, take(kAFree), give(kAFull)); });
  ring(out, x, y, Direction::in, 1, {2, 3},
       [&](unsigned i) { return part(l.b[i], t.k * t.n * t.in_bytes, take(kBFree), give(kBFull)); });
  const std::vector<unsigned> c = t.copies_of_c == 2 ? std::vector<unsigned>{4, 5} : std::vector<unsigned>{4};
  ring(out, x, y, Direction::out, 0, c,
       [&](unsigned i) { return part(l.c[i], t.m * t.n * t.out_bytes, take(kCFull), give(kCFree)); });
}

uint64_t up(uint64_t x, uint64_t step) { return (x + step - 1) / step * step; }

}  // namespace

const GemmTile& gemm_i8() {
  namespace k = npurt_kernels::manifest_matmul_i8;
  static const GemmTile tile{k::kernel,
                             k::m,
                             k::k,
                             k::n,
                             k::r,
                             k::s,
                             k::t,
                             1,
                             4,
                             k::stack,
                             k::copies_of_c,
                             k::cycles_of_matmul_i8,
                             k::cycles_of_matmul_i8_clear,
                             npurt_kernels::kernels().matmul_i8,
                             npurt_kernels::kernels().matmul_i8_clear};
  return tile;
}

const GemmTile& gemm_bf16() {
  namespace k = npurt_kernels::manifest_matmul_bf16;
  static const GemmTile tile{k::kernel,
                             k::m,
                             k::k,
                             k::n,
                             k::r,
                             k::s,
                             k::t,
                             2,
                             4,
                             k::stack,
                             k::copies_of_c,
                             k::cycles_of_matmul_bf16,
                             k::cycles_of_matmul_bf16_clear,
                             npurt_kernels::kernels().matmul_bf16,
                             npurt_kernels::kernels().matmul_bf16_clear};
  return tile;
}

CoreProgram gemm_program(const GemmTile& t) {
  return [t](Core& core) { return gemm_core(core, t); };
}

GemmShape padded(const Generation& g, const GemmTile& t, const GemmShape& s) {
  return {up(s.m, t.m * kCores), up(s.k, t.k), up(s.n, t.n * g.columns)};
}

// Memory tiles cut A into blocks of r x s, and put blocks of r x t of C together again; B passes as it is.
Design gemm_design(const Generation& g, const GemmTile& t) {
  if (g.columns == 0 || g.columns % kCores)
    throw LimitError(std::string("the GEMM design needs columns by fours; ") + g.name + " has " + std::to_string(g.columns));
  const unsigned row = t.k * t.in_bytes / 4, block = t.s * t.in_bytes / 4;
  const unsigned c_row = t.t * t.out_bytes / 4, c_block = t.r * c_row;
  const Array array{g.columns,
                    t.m * t.k * t.in_bytes,
                    t.k * t.n * t.in_bytes,
                    t.m * t.n * t.out_bytes,
                    {{{block, 1}, {t.r, row}, {t.k / t.s, block}, {0, t.r * row}}},
                    {{{c_row, 1}, {t.n / t.t, c_block}, {t.r, c_row}, {0, t.n / t.t * c_block}}}};
  return array_design(g, std::string("gemm_") + t.kernel, array, gemm_program(t),
                      [&](Instructions& out, unsigned x, unsigned y) { configure_core(out, t, x, y); });
}

std::vector<uint32_t> gemm_instructions(const Generation& g, const GemmTile& t, const GemmShape& s) {
  const uint64_t down = s.m / (t.m * kCores), across = s.n / (t.n * g.columns), steps = s.k / t.k;
  if (down * across * steps == 0) throw LimitError("a product with an empty side");
  Instructions out(g);
  const CoreLayout l = layout_of(t);
  for (unsigned x = 0; x < g.columns; ++x)
    for (unsigned y = kFirstCore; y < kFirstCore + kCores; ++y) {
      out.write_block(address(x, y, l.parameters), {static_cast<uint32_t>(down * across), static_cast<uint32_t>(steps)});
      out.write(address(x, y, lock_register(TileKind::core, kGo)), 1);
    }
  // Two rows of tiles are under way at once; each has its own descriptors.
  for (uint64_t i = 0; i < down; ++i) {
    if (i >= 2) out.sync(0, g.columns, Direction::in, 0);
    const unsigned ping = i % 2;
    for (unsigned x = 0; x < g.columns; ++x) {
      Descriptor c;
      c.length = static_cast<uint32_t>(t.m * kCores * t.n * across * t.out_bytes / 4);
      const uint32_t row = static_cast<uint32_t>(s.n * t.out_bytes / 4), tile = t.n * t.out_bytes / 4;
      c.dims = {{{tile, 1}, {t.m * kCores, row}, {0, tile * g.columns}, {}}};
      out.describe(x, 0, ping, c);
      out.patch(x, ping, 2, (i * t.m * kCores * s.n + x * t.n) * t.out_bytes);
      out.push(x, 0, Direction::in, 0, ping, 0, true);

      if (x % stride(g) == 0) {
        Descriptor a;
        a.length = static_cast<uint32_t>(t.m * s.k * t.in_bytes / 4);
        const uint32_t a_row = static_cast<uint32_t>(s.k * t.in_bytes / 4), a_tile = t.k * t.in_bytes / 4;
        a.dims = {{{a_tile, 1}, {t.m, a_row}, {0, a_tile}, {}}};
        out.describe(x, 0, 2 + ping, a);
        out.patch(x, 2 + ping, 0, (i * kCores + x / stride(g)) * t.m * s.k * t.in_bytes);
        out.push(x, 0, Direction::out, 0, 2 + ping, static_cast<unsigned>(across - 1));
      }

      Descriptor b;
      b.length = static_cast<uint32_t>(s.k * t.n * across * t.in_bytes / 4);
      out.describe(x, 0, 4 + ping, b);
      out.patch(x, 4 + ping, 1, x * s.k * t.n * across * t.in_bytes);
      out.push(x, 0, Direction::out, 1, 4 + ping);
    }
  }
  for (uint64_t i = 0; i < std::min<uint64_t>(2, down); ++i) out.sync(0, g.columns, Direction::in, 0);
  return out.take();
}

Usage gemm_usage(const Generation& g, const GemmTile& t, const GemmShape& s) {
  return whole_array_usage(g, {s.m, s.k, s.n, t.m, t.k, t.n, t.in_bytes, t.out_bytes, t.cycles, t.cycles_to_clear, true});
}

uint64_t packed_place(const Generation& g, const GemmTile& t, const GemmShape& s, uint64_t k, uint64_t n) {
  const uint64_t across = s.n / (t.n * g.columns), steps = s.k / t.k;
  const uint64_t tile = n / t.n, x = tile % g.columns, j = tile / g.columns, step = k / t.k;
  const uint64_t kk = k % t.k, nn = n % t.n;
  const uint64_t inside = ((kk / t.s) * (t.n / t.t) + nn / t.t) * t.s * t.t + (kk % t.s) * t.t + nn % t.t;
  return ((x * across + j) * steps + step) * t.k * t.n + inside;
}

}  // namespace npurt_npu
