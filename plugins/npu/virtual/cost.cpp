#include "cost.hpp"

#include <algorithm>

namespace npurt_npu {

uint64_t channel_cycles(const Generation& g, uint64_t words, const Pieces& p) {
  return words + p.count * static_cast<uint64_t>(g.run_cycles) + p.way * static_cast<uint64_t>(g.page_cycles) / kPage;
}

namespace {

// `tiles` tiles side by side, each of `rows` pieces `row` bytes apart, `tile` bytes from one to the next.
Pieces pieces_of(uint64_t tiles, uint64_t rows, uint64_t row, uint64_t tile) {
  Pieces p;
  p.add(kPage);
  p.add(row, tiles * (rows - 1));
  const uint64_t back = (rows - 1) * row;
  p.add(tile > back ? tile - back : back - tile, tiles - 1);
  return p;
}

}  // namespace

double launch_seconds(const Generation& g, const Usage& u) {
  const double cycles = static_cast<double>(std::max(u.core_cycles, u.channel_cycles));
  const double memory = static_cast<double>(std::max(u.read, u.written)) / (g.memory_gb_s * 1e9);
  return std::max(cycles / (g.clock_ghz * 1e9), memory);
}

double dispatch_seconds(const Generation& g, size_t launches) {
  if (launches == 1) return g.dispatch_us * 1e-6;
  return (g.list_us + g.listed_us * static_cast<double>(launches)) * 1e-6;
}

Usage whole_array_usage(const Generation& g, const WholeArray& w) {
  constexpr uint64_t kCores = 4;  // in a column
  const uint64_t down = w.M / (kCores * w.m), across = w.N / (g.columns * w.n), steps = w.K / w.k;
  // Of one shim: its rows of A for each column of tiles, its columns of B for each row of tiles, its columns of C once.
  const uint64_t a = w.M / kCores * w.K * w.in_bytes * across, b = w.K * w.N / g.columns * w.in_bytes * down;
  const uint64_t c = w.M * w.N / g.columns * w.out_bytes;
  Usage u;
  u.core_cycles = down * across * (steps * w.cycles + w.cycles_to_clear);
  Pieces a_pieces, b_pieces, c_pieces;
  a_pieces.add(pieces_of(steps, w.m, w.K * w.in_bytes, w.k * w.in_bytes), down * across);
  if (w.packed_b) b_pieces.add(kPage, down);
  else b_pieces.add(pieces_of(across, w.K, w.N * w.in_bytes, g.columns * w.n * w.in_bytes), down);
  c_pieces.add(pieces_of(across, kCores * w.m, w.N * w.out_bytes, g.columns * w.n * w.out_bytes), down);
  u.channel_cycles =
      std::max({channel_cycles(g, a / 4, a_pieces), channel_cycles(g, b / 4, b_pieces), channel_cycles(g, c / 4, c_pieces)});
  u.read = kCores * a + g.columns * b;
  u.written = g.columns * c;
  return u;
}

uint64_t stock_cycles(uint64_t m, uint64_t k, uint64_t n, uint64_t in_bytes) {
  const double rows = static_cast<double>(m) / 8, steps = static_cast<double>(k) / 8;
  if (in_bytes == 1) return static_cast<uint64_t>(68 + rows * (static_cast<double>(n) / 16) * (39.6 + 4.875 * steps));
  return static_cast<uint64_t>(88 + rows * (static_cast<double>(n) / 8) * (16.6 + 8.3 * steps));
}

}  // namespace npurt_npu
