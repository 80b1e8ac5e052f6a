// Buffer objects of the virtual driver: pieces of one memory file, which the client maps too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "uapi.hpp"

namespace npurt_npu {

// An errno that the client gets.
struct Errno {
  int value;
};

struct Object {
  Object() = default;
  Object(const Object&) = delete;
  ~Object();
  uint32_t type = 0;
  uint64_t bytes = 0;
  uint64_t offset = 0;        // in the file, where the client maps it; kNone for what lies in a heap
  uint64_t address = 0;       // the device's
  std::byte* data = nullptr;  // our own mapping
  int file = -1;              // whose mapping `data` is; -1: a part of heap
  std::shared_ptr<Object> heap;
};

class Objects {
 public:
  static constexpr uint64_t kNone = ~uint64_t{0};

  explicit Objects(int file) : file_(file) {}
  // Throws Errno: EINVAL for what no object can be, ENOMEM, EAGAIN when the heaps are full.
  uint32_t create(uint32_t type, uint64_t bytes);
  // Throws Errno(ENOENT).
  std::shared_ptr<Object> at(uint32_t handle) const;
  void close(uint32_t handle);

 private:
  std::shared_ptr<Object> map(uint32_t type, uint64_t bytes, uint64_t alignment);
  std::shared_ptr<Object> place_in_heap(uint64_t bytes);

  int file_;
  uint64_t end_ = 0;  // of the file
  uint64_t heap_end_ = 0;
  std::vector<std::shared_ptr<Object>> heaps_;
  std::map<uint32_t, std::shared_ptr<Object>> all_;
  std::map<uint64_t, std::weak_ptr<Object>> placed_;  // by device address
  uint32_t next_ = 1;
};

}  // namespace npurt_npu
