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

uint64_t checked_product(uint64_t a, uint64_t b, const Cursor& where, const char* what) {
  constexpr uint64_t kMost = uint64_t{1} << 40;
  uint64_t n = 0;
  if (b > kMost || __builtin_mul_overflow(a, b, &n) || n > kMost) where.fail(std::string(what) + " is impossibly large");
  return n;
}

}  // namespace npurt
