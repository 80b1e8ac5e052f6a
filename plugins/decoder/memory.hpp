// Memory of megabytes that each token reads, in pages as large where the system has them: fewer page faults, and fewer walks.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

namespace decoder {

struct Free {
  void operator()(void* p) const { std::free(p); }
};
template <typename T>
using Memory = std::unique_ptr<T[], Free>;

// Not initialised; touched only as far as it is used, where it is less than a huge page. Throws bad_alloc.
template <typename T>
Memory<T> memory(size_t n) {
  constexpr size_t kHugePage = 2 << 20;
  const size_t bytes = std::max<size_t>(1, n * sizeof(T)), unit = bytes < 2 * kHugePage ? 64 : kHugePage;
  void* p = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
  if (!p) throw std::bad_alloc();
  if (unit == kHugePage) madvise(p, bytes, MADV_HUGEPAGE);
  return Memory<T>(static_cast<T*>(p));
}

}  // namespace decoder
