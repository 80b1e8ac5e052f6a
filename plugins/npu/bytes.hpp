// Little-endian structures, written and read piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "descriptor.hpp"

namespace npurt_npu {

class Bytes {
 public:
  template <typename T>
  Bytes& put(T value) {
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
    return *this;
  }
  // Cut or filled with zeros to `width`.
  Bytes& text(const std::string& s, size_t width) {
    const size_t at = bytes_.size();
    bytes_.resize(at + width);
    std::memcpy(bytes_.data() + at, s.data(), s.size() < width ? s.size() : width);
    return *this;
  }
  Bytes& fill(size_t count, uint8_t value = 0) {
    const size_t at = bytes_.size();
    bytes_.resize(at + count);
    if (value) std::memset(bytes_.data() + at, value, count);  // resize with a value makes GCC 12 warn of bounds that hold
    return *this;
  }
  Bytes& align(size_t step) { return fill((step - bytes_.size() % step) % step); }
  Bytes& append(std::span<const std::byte> more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  template <typename T>
  void set(size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  size_t size() const { return bytes_.size(); }
  const std::vector<std::byte>& all() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// `n` bytes at `at`; throws LimitError, naming `what`, if they are not all there.
inline std::span<const std::byte> part_of(std::span<const std::byte> bytes, uint64_t at, uint64_t n, const char* what) {
  if (at > bytes.size() || n > bytes.size() - at)
    throw LimitError(std::string(what) + " is " + std::to_string(n) + " bytes at " + std::to_string(at) + "; there are " +
                     std::to_string(bytes.size()));
  return bytes.subspan(at, n);
}
template <typename T>
T number_at(std::span<const std::byte> bytes, uint64_t at, const char* what) {
  T value;
  std::memcpy(&value, part_of(bytes, at, sizeof value, what).data(), sizeof value);
  return value;
}

}  // namespace npurt_npu
