#include "objects.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace npurt_npu {
namespace {

// Where the device sees heaps, and where it sees shared memory: made-up addresses, so that each access can be checked.
constexpr uint64_t kHeapWindow = 0x04000000, kSharedWindow = uint64_t{1} << 44;
constexpr uint64_t kPage = 4096, kHeapAlignment = uint64_t{64} << 20, kPlace = 32768, kMost = uint64_t{4} << 30;

uint64_t up(uint64_t x, uint64_t step) { return (x + step - 1) / step * step; }

}  // namespace

Object::~Object() {
  if (file < 0) return;
  ::munmap(data, up(bytes, kPage));
  // Addresses are not used again; the memory is given back.
  (void)::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                    static_cast<off_t>(up(bytes, kPage)));
}

std::shared_ptr<Object> Objects::map(uint32_t type, uint64_t bytes, uint64_t alignment) {
  auto o = std::make_shared<Object>();
  o->type = type;
  o->bytes = bytes;
  o->offset = up(end_, alignment);
  const uint64_t end = o->offset + up(bytes, kPage);
  if (::ftruncate(file_, static_cast<off_t>(end))) throw Errno{ENOMEM};
  void* p = ::mmap(nullptr, up(bytes, kPage), PROT_READ | PROT_WRITE, MAP_SHARED, file_, static_cast<off_t>(o->offset));
  if (p == MAP_FAILED) throw Errno{ENOMEM};
  end_ = end;
  o->data = static_cast<std::byte*>(p);
  o->file = file_;
  return o;
}

std::shared_ptr<Object> Objects::place_in_heap(uint64_t bytes) {
  for (const auto& heap : heaps_) {
    uint64_t at = heap->address;
    for (auto it = placed_.lower_bound(at); it != placed_.end() && it->first < heap->address + heap->bytes;) {
      const auto other = it->second.lock();
      if (!other) {
        it = placed_.erase(it);
        continue;
      }
      if (it->first - at >= up(bytes, kPlace)) break;
      at = it->first + up(other->bytes, kPlace);
      ++it;
    }
    if (heap->address + heap->bytes - at < bytes) continue;
    auto o = std::make_shared<Object>();
    o->type = uapi::kDev;
    o->bytes = bytes;
    o->offset = kNone;
    o->address = at;
    o->heap = heap;
    o->data = heap->data + (at - heap->address);
    placed_[at] = o;
    return o;
  }
  throw Errno{EAGAIN};  // the client makes another heap and asks again
}

uint32_t Objects::create(uint32_t type, uint64_t bytes) {
  if (bytes == 0 || bytes > kMost) throw Errno{EINVAL};
  std::shared_ptr<Object> o;
  if (type == uapi::kDev) {
    o = place_in_heap(bytes);
  } else if (type == uapi::kHeap) {
    if (bytes % kHeapAlignment) throw Errno{EINVAL};
    o = map(type, bytes, kHeapAlignment);
    o->address = kHeapWindow + heap_end_;
    heap_end_ += bytes;
    heaps_.push_back(o);
  } else if (type == uapi::kShare || type == uapi::kCmd) {
    o = map(type, bytes, kPage);
    o->address = type == uapi::kShare ? kSharedWindow + o->offset : kNone;
  } else {
    throw Errno{EINVAL};
  }
  all_[next_] = std::move(o);
  return next_++;
}

std::shared_ptr<Object> Objects::at(uint32_t handle) const {
  const auto it = all_.find(handle);
  if (it == all_.end()) throw Errno{ENOENT};
  return it->second;
}

void Objects::close(uint32_t handle) {
  if (!all_.erase(handle)) throw Errno{EINVAL};
}

}  // namespace npurt_npu
