#include "tensor.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

#include "arena.hpp"
#include "signature.hpp"

namespace npurt {

Memory::~Memory() {
  if (block_ && block_->users.fetch_sub(1, std::memory_order_acq_rel) == 1) block_->home->give(block_);
}

Pool::Pool() = default;
Pool::~Pool() {
  for (Block* b : free_) {
    if (!arena_) std::free(b->data);  // an arena goes as a whole
    delete b;
  }
}

Arena& Pool::share() {
  if (!arena_) arena_ = std::make_unique<Arena>();
  return *arena_;
}

void* Pool::more(uint64_t bytes) { return arena_ ? arena_->take(bytes) : aligned_memory(bytes); }

void Pool::less(Block& b) {
  if (arena_) arena_->give(b.data, b.capacity);
  else std::free(b.data);
}

Memory Pool::take(uint64_t bytes) {
  Block* block = nullptr;
  {
    std::lock_guard lock(mutex_);
    // The smallest that holds `bytes` and does not waste much, else the largest of the smaller ones, which then grows.
    const uint64_t most = std::max<uint64_t>(bytes + bytes / 2, 1 << 16);
    auto best = free_.end();
    for (auto it = free_.begin(); it != free_.end(); ++it) {
      const uint64_t have = (*it)->capacity;
      if (have > most) continue;
      const bool fits = have >= bytes, best_fits = best != free_.end() && (*best)->capacity >= bytes;
      if (best == free_.end() || (fits ? !best_fits || have < (*best)->capacity : !best_fits && have > (*best)->capacity))
        best = it;
    }
    if (best != free_.end()) {
      block = *best;
      *best = free_.back();
      free_.pop_back();
    } else {
      block = new Block{this, nullptr, 0, 0};
      free_.reserve(++blocks_);  // so that giving one back cannot fail
    }
  }
  if (block->capacity < bytes || !block->data) {
    less(*block);
    block->data = nullptr;
    block->capacity = 0;
    try {
      block->data = more(std::max<uint64_t>(bytes, 64));
    } catch (...) {
      give(block);
      throw;
    }
    block->capacity = std::max<uint64_t>(bytes, 64);
  }
  block->users.store(1, std::memory_order_relaxed);
  return Memory(block);
}

void Pool::give(Block* b) {
  std::lock_guard lock(mutex_);
  free_.push_back(b);
}

npurt_tensor blank_tensor() {
  npurt_tensor t{};
  t.size = sizeof t;
  t.spec.size = sizeof t.spec;
  return t;
}

npurt_tensor Packet::view() const {
  npurt_tensor t = blank_tensor();
  t.spec = spec;
  t.data = memory.data();
  t.bytes = t.data ? spec_bytes(spec).value_or(0) : 0;
  t.index = index;
  t.writer = writer;
  return t;
}

std::optional<uint64_t> spec_bytes(const npurt_spec& s) {
  uint64_t n = dtype_bytes(s.dtype);
  if (n == 0 || s.rank > NPURT_MAX_RANK) return {};
  for (uint32_t i = 0; i < s.rank; ++i) {
    if (s.dims[i] < 0) return {};
    uint64_t d = static_cast<uint64_t>(s.dims[i]);
    if (d != 0 && n > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / d) return {};
    n *= d;
  }
  return n;
}

// One TiB: no tensor is so large, and no allocator need be asked.
constexpr uint64_t kMostBytes = uint64_t{1} << 40;

// Megabytes come in pages that are as large, but for what is left of the last: a window's keys and values would else be 4500 page
// faults, each a zeroed page.
constexpr uint64_t kHugePage = 2 << 20;

void* aligned_memory(uint64_t bytes) {
  if (bytes > kMostBytes) throw std::bad_alloc();
  const uint64_t unit = bytes < kHugePage ? 64 : kHugePage;
  void* p = nullptr;
  if (posix_memalign(&p, unit, std::max<uint64_t>(64, (bytes + 63) / 64 * 64))) throw std::bad_alloc();
  if (unit == kHugePage) madvise(p, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  return p;
}

}  // namespace npurt
