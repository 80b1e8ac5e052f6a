// Memory that begins where vectors do.
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

// Not initialised. `whole`: all of it will be used, so it lies in huge pages if the system has them, which saves page faults;
// else it is touched only as far as it is used. Throws bad_alloc.
template <typename T>
Memory<T> memory(size_t n, bool whole = false) {
  constexpr size_t kHugePage = 2 << 20;
  const size_t bytes = std::max<size_t>(1, n * sizeof(T)), unit = whole && bytes >= 2 * kHugePage ? kHugePage : 64;
  void* p = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
  if (!p) throw std::bad_alloc();
  if (unit == kHugePage) madvise(p, bytes, MADV_HUGEPAGE);
  return Memory<T>(static_cast<T*>(p));
}

}  // namespace decoder
