// The instruction streams of the layer's launches: what shims bring, in which order, and what they take back.
#include <algorithm>
#include <manifests.hpp>

#include "../array.hpp"
#include "design.hpp"

namespace npurt_npu {
namespace {

namespace tile = npurt_kernels::manifest_encoder_layer_bf16;
namespace matmul = npurt_kernels::manifest_matmul_bf16;

constexpr unsigned kSide = kArraySide;
constexpr uint64_t kRows = tile::m * kSide;  // that all cores of a column work on at once
enum Argument { kLayer = 0, kWeights = 1, kLayerOut = 2 };
// Shims' descriptors, for two rows of tiles that are under way at once.
enum Bd { kBdOut = 0, kBdA = 2, kBdB = 4, kBdMore = 6, kBdBias = 8 };

void start(Instructions& out, std::vector<uint32_t> parameters) {
  parameters.resize(6);
  for (unsigned x = 0; x < kSide; ++x)
    for (unsigned y = 0; y < kSide; ++y) {
      parameters[5] = parameters[0] == kNormFunction ? y : x;
      start_core(out, x, kArrayFirstCore + y, parameters);
    }
}

// Calls f(i, ping) for each step; before a step begins, the one before the last has ended.
template <typename F>
void in_turns(Instructions& out, uint64_t steps, F&& f) {
  for (uint64_t i = 0; i < steps; ++i) {
    if (i >= 2) out.sync(0, kSide, Direction::in, 0);
    f(i, static_cast<unsigned>(i % 2));
  }
  for (uint64_t i = 0; i < std::min<uint64_t>(2, steps); ++i) out.sync(0, kSide, Direction::in, 0);
}

Descriptor walk(uint64_t words, std::array<Dim, 3> dims, uint64_t step = 0, uint64_t times = 1) {
  Descriptor d;
  d.length = static_cast<uint32_t>(words);
  std::copy(dims.begin(), dims.end(), d.dims.begin());
  d.iteration_step = static_cast<uint32_t>(step);
  d.iteration_size = static_cast<uint32_t>(times);
  return d;
}

void bring(Instructions& out, unsigned x, unsigned channel, unsigned bd, const Descriptor& d, Argument from, uint64_t place,
           uint64_t times = 1) {
  out.describe(x, 0, bd, d);
  out.patch(x, bd, from, place);
  out.push(x, 0, Direction::out, channel, bd, static_cast<unsigned>(times - 1));
}
void take_back(Instructions& out, unsigned x, unsigned bd, const Descriptor& d, uint64_t place, uint64_t times = 1) {
  out.describe(x, 0, bd, d);
  out.patch(x, bd, kLayerOut, place);
  out.push(x, 0, Direction::in, 0, bd, static_cast<unsigned>(times - 1), true);
}

uint32_t u32(uint64_t x) { return static_cast<uint32_t>(x); }

}  // namespace

LayerPlaces::LayerPlaces(const LayerShape& s) {
  const uint64_t row = s.rows() * s.width;
  x = 0;
  n = x + 4 * row;
  qkv = n + 2 * row;
  y = qkv + 6 * row;
  sum = y + 2 * row;
  m = sum + 4 * row;
  h = m + 2 * row;
  out = h + 8 * row;
  end = out + 4 * row;
}

std::array<LayerProduct, 4> layer_products(const LayerShape& s) {
  const LayerPlaces at(s);
  const uint64_t d = s.width;
  return {{{d, 3 * d, at.n, at.qkv},
           {d, d, at.y, at.sum, true, at.x},
           {d, 4 * d, at.m, at.h, false, 0, true},
           {4 * d, d, at.h, at.out, true, at.sum}}};
}

uint64_t LayerWeights::bias(uint64_t j) const {
  const uint64_t t = j / tile::n;
  return t % kSide * column_bytes() + (t / kSide * tile::n + j % tile::n) * 4;
}
uint64_t LayerWeights::weight(uint64_t i, uint64_t j) const {
  const uint64_t t = j / tile::n, ii = i % tile::k, jj = j % tile::n;
  const uint64_t inside =
      ((ii / tile::s) * (tile::n / tile::t) + jj / tile::t) * tile::s * tile::t + (ii % tile::s) * tile::t + jj % tile::t;
  return t % kSide * column_bytes() + bias_bytes() + (t / kSide * (k / tile::k) + i / tile::k) * tile::bytes_of_b + 2 * inside;
}

void check_layer(const LayerShape& s) {
  if (s.length == 0 || s.length % 4 || s.key_tiles() > 64)
    throw LimitError("a length of " + std::to_string(s.length) + "; the design does multiples of 4 up to 2048");
  if (s.width == 0 || s.width % 128 || s.width > tile::most)
    throw LimitError("a width of " + std::to_string(s.width) + "; the design does multiples of 128 up to " +
                     std::to_string(tile::most));
  if (s.heads * tile::width != s.width)
    throw LimitError(std::to_string(s.heads) + " heads in a width of " + std::to_string(s.width) +
                     "; the design does heads of 64");
}

// 64 rows to each column of cores at once, in batches of 16, of which a core takes 4: those that make 16 rows one after the other
// of what it gives back.
LayerLaunch norm_launch(const Generation& g, const LayerShape& s, uint64_t in, uint64_t to) {
  const uint64_t d = s.width, units = d / 128, batches = s.rows() / kRows * 4;
  Instructions out(g);
  start(out, {kNormFunction, u32(batches), u32(units), __builtin_bit_cast(uint32_t, 1.0F / static_cast<float>(d))});
  in_turns(out, s.rows() / kRows, [&](uint64_t i, unsigned ping) {
    for (unsigned x = 0; x < kSide; ++x) {
      constexpr uint32_t kWords = tile::bytes_of_out / 4;
      const uint64_t row = i * kRows + x * tile::m;
      take_back(out, x, kBdOut + ping,
                walk(kSide * kWords, {{{kWords / 2, 1}, {2, kWords / 2}, {0, u32(16 * d / 2)}}}, kWords, units), to + 2 * d * row,
                units);
      bring(out, x, 1, kBdB + ping, walk(16 * d, {{{u32(d / 2), 1}, {8, u32(d / 2)}, {0, u32(16 * d)}}}, 4 * d, 4), kLayer,
            in + 4 * d * row, 4);
    }
  });
  const uint64_t row =
      tile::cycles_of_encoder_layer_bf16_measure * d / tile::most +
      units * (tile::cycles_of_encoder_layer_bf16_copy * 512 / tile::bytes_of_a + tile::cycles_of_encoder_layer_bf16_normalise);
  return {out.take(), batches * 4 * row};
}

LayerLaunch product_launch(const Generation& g, const LayerShape& s, const LayerProduct& p) {
  const LayerWeights w{p.k, p.n};
  const uint64_t down = s.rows() / kRows, across = w.across(), steps = p.k / tile::k;
  const uint32_t flags = (p.adds ? kAdds : 0U) | (p.gelu ? kGelu : 0U);
  Instructions out(g);
  start(out, {kProductFunction, u32(down * across), u32(steps), flags, u32(across)});
  for (unsigned x = 0; x < kSide; ++x) bring(out, x, 1, kBdBias, walk(w.bias_bytes() / 4, {}), kWeights, x * w.column_bytes());
  in_turns(out, down, [&](uint64_t i, unsigned ping) {
    for (unsigned x = 0; x < kSide; ++x) {
      // What leaves a core is 64 bytes wide: a tile of bf16, or half of one of f32.
      constexpr uint32_t kWide = 16;
      const uint64_t size = p.adds ? 4 : 2, row = p.n * size / 4, place = p.out + i * kRows * p.n * size + x * tile::n * size;
      const uint64_t next = kSide * tile::n * size / 4;  // words from a tile to the next of its column
      if (p.adds)
        take_back(out, x, kBdOut + ping,
                  walk(2 * kRows * kWide, {{{kWide, 1}, {u32(kRows), u32(row)}, {0, kWide}}}, next, across), place, across);
      else
        take_back(out, x, kBdOut + ping, walk(across * kRows * kWide, {{{kWide, 1}, {u32(kRows), u32(row)}, {0, u32(next)}}}),
                  place);

      constexpr uint32_t kTwo = 2 * tile::k / 2;  // words of a row of two tiles
      const uint64_t a_row = p.k / 2, a_place = p.in + 4 * (i * kRows + x * tile::m) * a_row;
      const Descriptor a = walk(tile::m * a_row, {{{kTwo, 1}, {tile::m, u32(a_row)}, {0, kTwo}}});
      if (p.adds) {
        // Before each row of tiles, the tiles of f32 that it is added to, one for each column.
        Descriptor r = walk(kSide * tile::m * tile::n, {{{kTwo, 1}, {tile::m, u32(p.n)}, {0, kTwo}}}, kSide * tile::n, across);
        r.chained = true;
        r.next = static_cast<uint8_t>(kBdA + ping);
        out.describe(x, 0, kBdA + ping, a);
        out.patch(x, kBdA + ping, kLayer, a_place);
        bring(out, x, 0, kBdMore + ping, r, kLayer, p.residual + 4 * (i * kRows + x * tile::m) * p.n, across);
      } else {
        bring(out, x, 0, kBdA + ping, a, kLayer, a_place, across);
      }
      bring(out, x, 1, kBdB + ping, walk((w.column_bytes() - w.bias_bytes()) / 4, {}), kWeights,
            x * w.column_bytes() + w.bias_bytes());
    }
  });
  namespace gelu = npurt_kernels::manifest_gelu_bf16;
  constexpr uint64_t kCopy = tile::cycles_of_encoder_layer_bf16_copy;
  const uint64_t finish = p.adds ? kCopy + 2 * tile::cycles_of_encoder_layer_bf16_finish_f32
                                 : matmul::cycles_of_matmul_bf16_clear + tile::cycles_of_encoder_layer_bf16_finish;
  const uint64_t bend = p.gelu ? uint64_t{gelu::cycles_of_gelu_bf16} * tile::m * tile::n / gelu::values : 0;
  return {out.take(),
          w.bias_bytes() * kCopy / tile::bytes_of_a + down * across * (steps * matmul::cycles_of_matmul_bf16 + finish + bend)};
}

// A step gives each core 64 queries of a head: four heads side by side, one for each column; of two heads that are left over, two
// columns share one, each with other queries.
LayerLaunch attend_launch(const Generation& g, const LayerShape& s, uint64_t qkv, uint64_t to) {
  struct Step {
    uint64_t head, heads, block, blocks;
  };
  const uint64_t blocks = s.rows() / kRows, tiles = s.key_tiles();
  std::vector<Step> steps;
  for (uint64_t h = 0; h + kSide <= s.heads; h += kSide)
    for (uint64_t b = 0; b < blocks; ++b) steps.push_back({h, kSide, b, 1});
  if (s.heads % kSide)  // heads come in pairs; the last step may do some queries twice
    for (uint64_t b = 0; b < blocks; b += 2)
      steps.push_back({s.heads - 2, 2, std::min(b, blocks - std::min<uint64_t>(2, blocks)), std::min<uint64_t>(2, blocks)});

  Instructions out(g);
  start(out, {kAttendFunction, u32(steps.size()), u32(tiles), u32(s.length - (tiles - 1) * tile::keys)});
  constexpr uint32_t kWide = tile::width / 2;  // words of a row of a head
  const uint32_t row = u32(3 * s.width / 2), out_row = u32(s.width / 2);
  in_turns(out, steps.size(), [&](uint64_t i, unsigned ping) {
    const Step& step = steps[i];
    const uint64_t copies = kSide / step.heads;  // columns that share a head
    for (unsigned x = 0; x < kSide; ++x) {
      const uint64_t head = step.head + x % step.heads;
      const uint64_t block = step.block + (step.blocks > 1 ? x / step.heads : 0);
      take_back(out, x, kBdOut + ping,
                walk(kSide * 32 * kWide, {{{kWide, 1}, {32, out_row}, {0, tile::m * out_row}}}, uint64_t{32} * out_row, 2),
                to + 4 * (block * kRows * out_row + head * kWide), 2);
      bring(out, x, 0, kBdA + ping,
            walk(step.heads * tile::m * kWide, {{{2 * kWide, 1}, {tile::m, row}, {0, 2 * kWide}}},
                 step.blocks > 1 ? kRows * row : 0, step.blocks > 1 ? copies : 1),
            kLayer, qkv + 4 * ((step.block * kRows + x * tile::m) * row + step.head * kWide), copies);
      const uint64_t keys = qkv + 4 * (out_row + head * kWide);
      bring(out, x, 1, kBdB + ping, walk(tiles * tile::keys * kWide, {{{kWide, 1}, {0, row}, {}}}), kLayer, keys);
      bring(out, x, 1, kBdMore + ping,
            walk(2 * tile::keys * kWide, {{{kWide, 1}, {tile::keys, row}, {0, out_row}}}, tile::keys * row, tiles), kLayer, keys,
            tiles);
    }
  });
  const uint64_t pass = 2 * tile::cycles_of_encoder_layer_bf16_keys + tile::cycles_of_encoder_layer_bf16_maximum +
                        tile::cycles_of_encoder_layer_bf16_values + tile::cycles_of_encoder_layer_bf16_add;
  return {out.take(), steps.size() * (tile::cycles_of_encoder_layer_bf16_copy + tile::cycles_of_encoder_layer_bf16_begin +
                                      tiles * pass + 2 * tile::cycles_of_encoder_layer_bf16_divide)};
}

}  // namespace npurt_npu
