// Writes an instruction stream: the transaction that the host hands to the NPU with each launch, 32-bit words little-endian.
#pragma once

#include <generations.hpp>

#include "descriptor.hpp"

namespace npurt_npu {

class Instructions {
 public:
  explicit Instructions(const Generation& generation) : generation_(generation), words_(4) {}

  void write(uint32_t address, uint32_t value);
  void write_block(uint32_t address, const std::vector<uint32_t>& values);
  // A descriptor of any tile. Throws LimitError, also for an id that the tile does not have.
  void describe(unsigned column, unsigned row, unsigned id, const Descriptor& d);
  // Adds the address of data buffer `argument` (counted from 0), plus `bytes`, to a shim's descriptor.
  void patch(unsigned column, unsigned id, unsigned argument, uint64_t bytes);
  // Starts a task. Throws LimitError for a repeat above 255.
  void push(unsigned column, unsigned row, Direction d, unsigned channel, unsigned bd, unsigned repeat = 0, bool token = false);
  // Waits for one token of this shim channel, in `columns` columns from `column` on.
  void sync(unsigned column, unsigned columns, Direction d, unsigned channel);

  // The finished stream, header included.
  std::vector<uint32_t> take();

 private:
  Generation generation_;
  std::vector<uint32_t> words_;
  uint32_t count_ = 0;
};

}  // namespace npurt_npu
