#include "arena.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <npurt/runtime.hpp>

namespace npurt {
namespace {

// So much is written by several threads, and they get its pages sooner than one call would.
constexpr uint64_t kMuch = 8 << 20;

uint64_t whole_pages(uint64_t bytes) { return (bytes + Arena::kPage - 1) / Arena::kPage * Arena::kPage; }

}  // namespace

Arena::Arena() : file_(memfd_create("npurt tensors", MFD_CLOEXEC)) {
  void* all = MAP_FAILED;
  if (file_ >= 0 && ftruncate(file_, kBytes) == 0)
    all = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file_, 0);
  if (all == MAP_FAILED) {
    const std::string why = std::strerror(errno);
    if (file_ >= 0) close(file_);
    throw Error(Exit::run_failed, "no memory can be shared with isolated stages: " + why);
  }
  base_ = static_cast<char*>(all);
}

Arena::~Arena() {
  munmap(base_, kBytes);
  close(file_);
}

void* Arena::take(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (bytes > kBytes - next_ || whole_pages(bytes) > kBytes - next_) throw std::bad_alloc();
  char* data = base_ + next_;
  next_ += whole_pages(bytes);
  if (bytes < kMuch) touch(data, bytes);
  return data;
}

void Arena::touch(void* data, uint64_t bytes) {
#ifdef MADV_POPULATE_WRITE
  madvise(data, whole_pages(bytes), MADV_POPULATE_WRITE);
#endif
}

void Arena::give(void* data, uint64_t bytes) {
  if (const auto at = offset(data))
    fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(*at), static_cast<off_t>(whole_pages(bytes)));
}

std::optional<uint64_t> Arena::offset(const void* data) const {
  const auto* p = static_cast<const char*>(data);
  if (p < base_ || p >= base_ + kBytes) return {};
  return static_cast<uint64_t>(p - base_);
}

}  // namespace npurt
