#include "bytes.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace npurt {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw Error(Exit::input, path.string() + ": cannot be opened: " + std::strerror(errno));
  struct stat st {};
  const bool known = ::fstat(fd, &st) == 0;
  if (!known || !S_ISREG(st.st_mode) || st.st_size == 0) {
    ::close(fd);
    throw Error(Exit::input, path.string() + ": " + (known && S_ISREG(st.st_mode) ? "the file is empty" : "is not a file"));
  }
  void* p = ::mmap(nullptr, static_cast<size_t>(st.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  const int why = errno;
  ::close(fd);
  if (p == MAP_FAILED) throw Error(Exit::input, path.string() + ": cannot be mapped: " + std::strerror(why));
  bytes_ = {static_cast<const uint8_t*>(p), static_cast<size_t>(st.st_size)};
}

MappedFile::~MappedFile() { ::munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size()); }

void MappedFile::release(Bytes part) const {
  if (part.data() < bytes_.data() || part.data() + part.size() > bytes_.data() + bytes_.size()) return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE)), start = reinterpret_cast<uintptr_t>(part.data());
  const uintptr_t first = (start + page - 1) / page * page, last = (start + part.size()) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

uint64_t checked_product(uint64_t a, uint64_t b, const Cursor& where, const char* what) {
  constexpr uint64_t kMost = uint64_t{1} << 40;
  uint64_t n = 0;
  if (b > kMost || __builtin_mul_overflow(a, b, &n) || n > kMost) where.fail(std::string(what) + " is impossibly large");
  return n;
}

}  // namespace npurt
