// Softmax attention on the whole array, all heads in one launch, in the dataflow of spread.hpp. Sixteen cores each take 32
// queries of a head at a time (a piece); keys and values of the head pass by all of them in the stream: per round, K of every
// tile, then K and V of every tile. Sums come back.
//
// Operands are packed by the host: Q and K and V as attention/bf16/kernel.cc wants them.
#pragma once

#include "../design.hpp"
#include "../instructions.hpp"
#include "../virtual/cost.hpp"

namespace npurt_npu {

struct AttentionShape {
  uint64_t heads, length;
  uint64_t rounds() const { return (length + 511) / 512; }
  uint64_t key_tiles() const { return (length + 63) / 64; }
};

constexpr uint64_t kQueries = 32, kKeys = 64, kWidth = 64, kValues = 72;
constexpr uint64_t kQueryBytes = kQueries * kWidth * 2, kStreamBytes = kKeys * kValues * 2, kSumBytes = kQueries * kValues * 4;

// Bytes of the three data buffers: Q, the stream of K and V, sums.
uint64_t query_bytes(const AttentionShape& s);
uint64_t stream_bytes(const AttentionShape& s);
uint64_t sum_bytes(const AttentionShape& s);

CoreProgram attention_program();
Design attention_design(const Generation& g);
std::vector<uint32_t> attention_instructions(const Generation& g, const AttentionShape& s);
// What that launch uses, without running it.
Usage attention_usage(const Generation& g, const AttentionShape& s);

}  // namespace npurt_npu
