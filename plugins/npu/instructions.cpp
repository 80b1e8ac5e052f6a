#include "instructions.hpp"

namespace npurt_npu {
namespace {

unsigned descriptors(const Generation& g, TileKind kind) {
  return kind == TileKind::shim ? g.shim_bds : kind == TileKind::memtile ? g.memtile_bds : g.core_bds;
}

}  // namespace

void Instructions::write(uint32_t address, uint32_t value) {
  words_.insert(words_.end(), {kWrite32, 0, address, 0, value, 24});
  ++count_;
}

void Instructions::write_block(uint32_t address, const std::vector<uint32_t>& values) {
  words_.insert(words_.end(), {kBlockWrite, 0, address, static_cast<uint32_t>(16 + 4 * values.size())});
  words_.insert(words_.end(), values.begin(), values.end());
  ++count_;
}

void Instructions::describe(unsigned column, unsigned row, unsigned id, const Descriptor& d) {
  const TileKind kind = kind_of_row(row);
  if (id >= descriptors(generation_, kind))
    throw LimitError("descriptor " + std::to_string(id) + " of a tile that has " +
                     std::to_string(descriptors(generation_, kind)));
  write_block(address(column, row, bd_register(kind, id)), d.encode(kind));
}

void Instructions::patch(unsigned column, unsigned id, unsigned argument, uint64_t bytes) {
  if (bytes >> 32) throw LimitError("an offset of " + std::to_string(bytes) + " bytes; a patch holds 32 bits");
  words_.insert(words_.end(), {kPatch, 48, 0, 0, 0, 0, address(column, 0, bd_register(TileKind::shim, id) + 4), 0, argument, 0,
                               static_cast<uint32_t>(bytes), 0});
  ++count_;
}

void Instructions::push(unsigned column, unsigned row, Direction d, unsigned channel, unsigned bd, unsigned repeat, bool token) {
  if (repeat > 255) throw LimitError("a task repeated " + std::to_string(repeat) + " times; at most 255");
  write(address(column, row, queue_register(kind_of_row(row), d, channel)), task(bd, repeat, token));
}

void Instructions::sync(unsigned column, unsigned columns, Direction d, unsigned channel) {
  words_.insert(words_.end(),
                {kSync, 16, (d == Direction::out ? 1U : 0U) | column << 16, 1U << 8 | columns << 16 | channel << 24});
  ++count_;
}

std::vector<uint32_t> Instructions::take() {
  words_[0] = generation_.transaction;
  words_[1] = 1U << 8 | generation_.columns;
  words_[2] = count_;
  words_[3] = static_cast<uint32_t>(4 * words_.size());
  return std::move(words_);
}

}  // namespace npurt_npu
