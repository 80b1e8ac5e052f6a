// Small pieces that designs are made of.
#pragma once

#include <utility>
#include <vector>

#include "instructions.hpp"

namespace npurt_npu {

inline LockUse take(unsigned id) { return {static_cast<uint8_t>(id), -1}; }
inline LockUse give(unsigned id) { return {static_cast<uint8_t>(id), 1}; }

// `bytes` from `base` on, once a lock was taken, giving another one.
inline Descriptor part(uint64_t base, uint32_t bytes, LockUse acquire, LockUse release) {
  Descriptor d;
  d.base = base;
  d.length = bytes / 4;
  d.acquires = true;
  d.acquire = acquire;
  d.release = release;
  return d;
}

// Descriptors `ids` in a ring, the i-th as each(i) says, and the task that starts it.
template <typename F>
void ring(Instructions& out, unsigned column, unsigned row, Direction direction, unsigned channel,
          const std::vector<unsigned>& ids, F&& each) {
  for (unsigned i = 0; i < ids.size(); ++i) {
    Descriptor d = each(i);
    d.chained = true;
    d.next = static_cast<uint8_t>(ids[(i + 1) % ids.size()]);
    out.describe(column, row, ids[i], d);
  }
  out.push(column, row, direction, channel, ids[0]);
}

// Hands out a tile's data memory, 64 bytes aligned.
class Places {
 public:
  explicit Places(uint32_t first) : at_(first) {}
  uint32_t take(uint32_t bytes) {
    at_ = (at_ + 63) / 64 * 64;
    return std::exchange(at_, at_ + bytes);
  }

 private:
  uint32_t at_;
};

}  // namespace npurt_npu
