// Layer normalisation on the whole array, in the dataflow of spread.hpp: gamma and beta pass by all cores, once; a piece is as
// many whole rows as fit.
#pragma once

#include <generations.hpp>

#include "../design.hpp"
#include "../virtual/usage.hpp"

namespace npurt_npu {

struct Rows {
  uint64_t count, width;
  uint64_t in_piece() const;  // rows
  uint64_t pieces() const { return (count + in_piece() - 1) / in_piece(); }
  uint64_t rounds() const { return (pieces() + 15) / 16; }
};

// Bytes of a piece, of rows in and out, and of gamma and beta.
constexpr uint64_t kRowPiece = 10240, kScaleBytes = 5120;
inline uint64_t row_bytes(const Rows& r) { return r.rounds() * 16 * kRowPiece; }

CoreProgram layer_norm_program();
Design layer_norm_design(const Generation& g);
// Data buffers: x, gamma and beta, y. Throws LimitError for rows that no core can hold.
std::vector<uint32_t> layer_norm_instructions(const Generation& g, const Rows& r);
// What that launch uses, without running it.
Usage layer_norm_usage(const Generation& g, const Rows& r);

}  // namespace npurt_npu
