// libvnpu.so, for LD_PRELOAD: opening /dev/accel/accel* gives a memory file with a virtual driver behind its ioctls, so that XRT,
// unmodified, drives a virtual NPU. NPURT_NPU_FAULTS makes it fail on demand; VNPU_SYNCOBJ=1 gives contexts a syncobj.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../device.hpp"
#include "driver.hpp"

namespace {

using npurt_npu::Driver;

constexpr char kNode[] = "/dev/accel/accel";

// Never destroyed: other libraries close files until the very end.
struct Open {
  std::mutex mutex;
  std::map<int, std::shared_ptr<Driver>> drivers;
};
Open& all() {
  static auto& open = *new Open;
  return open;
}
std::atomic<bool> any{false};

template <typename F>
F next(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

std::string environment(const char* name) {
  const char* v = std::getenv(name);
  return v ? v : "";
}

std::shared_ptr<Driver> driver(int file) {
  if (!any) return nullptr;
  const std::lock_guard lock(all().mutex);
  const auto it = all().drivers.find(file);
  return it == all().drivers.end() ? nullptr : it->second;
}

int open_device() {
  const int file = ::memfd_create("vnpu", MFD_CLOEXEC);
  if (file < 0) return -1;
  try {
    auto d = std::make_shared<Driver>(file, npurt_npu::generation("npu1"), environment("NPURT_NPU_FAULTS"),
                                      environment("VNPU_SYNCOBJ") == "1");
    const std::lock_guard lock(all().mutex);
    all().drivers[file] = std::move(d);
    any = true;
    return file;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "vnpu: %s\n", e.what());
    errno = EINVAL;
    return -1;
  }
}

template <typename F>
int open_or(const char* name, const char* path, int flags, unsigned mode) {
  static const auto real = next<F>(name);
  return path && std::strncmp(path, kNode, sizeof kNode - 1) == 0 ? open_device() : real(path, flags, mode);
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const unsigned mode = va_arg(rest, unsigned);
  va_end(rest);
  return open_or<int (*)(const char*, int, ...)>("open", path, flags, mode);
}

__attribute__((visibility("default"))) int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const unsigned mode = va_arg(rest, unsigned);
  va_end(rest);
  return open_or<int (*)(const char*, int, ...)>("open64", path, flags, mode);
}

__attribute__((visibility("default"))) int close(int file) {
  static const auto real = next<int (*)(int)>("close");
  if (auto gone = driver(file)) {
    const std::lock_guard lock(all().mutex);
    all().drivers.erase(file);
  }
  return real(file);
}

// The heap wants to be locked; a limit that is too low for it is no concern of a virtual device.
__attribute__((visibility("default"))) void* mmap(void* where, size_t bytes, int protection, int flags, int file, off_t offset) {
  static const auto real = next<void* (*)(void*, size_t, int, int, int, off_t)>("mmap");
  if (file >= 0 && driver(file)) flags &= ~MAP_LOCKED;
  return real(where, bytes, protection, flags, file, offset);
}

__attribute__((visibility("default"))) void* mmap64(void* where, size_t bytes, int protection, int flags, int file,
                                                    off_t offset) {
  return mmap(where, bytes, protection, flags, file, offset);
}

__attribute__((visibility("default"))) int ioctl(int file, unsigned long request, ...) {
  static const auto real = next<int (*)(int, unsigned long, ...)>("ioctl");
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  const auto d = (request >> 8 & 255) == 'd' ? driver(file) : nullptr;
  if (!d) return real(file, request, argument);
  const int error = d->control(request & 255, argument);
  if (error == 0) return 0;
  errno = error;
  return -1;
}
}
