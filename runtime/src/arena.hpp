// Memory that a process shares with the children that run its isolated stages: one sparse file without a name, mapped whole.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

namespace npurt {

class Arena {
 public:
  static constexpr uint64_t kBytes = uint64_t{1} << 36;  // of addresses; pages come when they are touched
  static constexpr uint64_t kPage = 4096;

  // Throws Error(run_failed) where there is no such memory.
  Arena();
  ~Arena();
  Arena(const Arena&) = delete;

  int file() const { return file_; }
  // Whole pages for `bytes`; throws std::bad_alloc.
  void* take(uint64_t bytes);
  // Gives pages back to the system; their addresses are not used again.
  void give(void* data, uint64_t bytes);
  // Where `data` lies, if it is of this arena.
  std::optional<uint64_t> offset(const void* data) const;
  char* base() const { return base_; }
  // Maps all pages of [data, data + bytes) at once, which takes less than a fault for each; where Linux is too old (before 5.14),
  // they come one by one.
  static void touch(void* data, uint64_t bytes);

 private:
  int file_ = -1;
  char* base_ = nullptr;
  std::mutex mutex_;
  uint64_t next_ = kPage;  // the first page is for the two sides' flags
};

}  // namespace npurt
