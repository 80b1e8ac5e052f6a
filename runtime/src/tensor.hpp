// Memory of packets: 64-byte aligned, counted, and given back to the pool it came from, so that a warm run allocates nothing.
#pragma once

#include <npurt/abi.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace npurt {

class Arena;
class Pool;

struct Block {
  Pool* home;
  void* data;
  uint64_t capacity;
  std::atomic<int> users;
};

// A counted reference to a block; the last one gives the block back to its pool.
class Memory {
 public:
  Memory() = default;
  explicit Memory(Block* b) : block_(b) {}
  Memory(const Memory& o) : block_(o.block_) {
    if (block_) block_->users.fetch_add(1, std::memory_order_relaxed);
  }
  Memory(Memory&& o) noexcept : block_(std::exchange(o.block_, nullptr)) {}
  Memory& operator=(Memory o) noexcept {
    std::swap(block_, o.block_);
    return *this;
  }
  ~Memory();
  void* data() const { return block_ ? block_->data : nullptr; }
  uint64_t capacity() const { return block_ ? block_->capacity : 0; }

 private:
  Block* block_ = nullptr;
};

// The blocks of a plan's packets, shared by all its ports: few are alive at once, and one that was just read is still in the
// cache. Must outlive every Memory taken from it. Thread-safe.
class Pool {
 public:
  Pool();
  Pool(const Pool&) = delete;
  ~Pool();
  // From here on blocks lie in an arena, which isolated stages share. Before the first take. Throws Error(run_failed).
  Arena& share();
  // At least `bytes` of memory, never null for 0 bytes. Throws std::bad_alloc.
  Memory take(uint64_t bytes);

 private:
  friend class Memory;
  void give(Block* b);
  void* more(uint64_t bytes);
  void less(Block& b);
  std::unique_ptr<Arena> arena_;
  std::mutex mutex_;
  std::vector<Block*> free_;
  size_t blocks_ = 0;
};

// One tensor on its way along an edge.
struct Packet {
  npurt_spec spec{sizeof(npurt_spec), 0, 0, 0, {}};
  Memory memory;
  int64_t index = 0;
  const char* writer = nullptr;
  npurt_tensor view() const;
};

npurt_tensor blank_tensor();
// Bytes of a tensor of this spec; nothing if a dim is unknown, the dtype is, or the product does not fit 63 bits.
std::optional<uint64_t> spec_bytes(const npurt_spec& s);
// 64-byte aligned memory for `bytes`, to be freed with std::free; throws std::bad_alloc.
void* aligned_memory(uint64_t bytes);

}  // namespace npurt
