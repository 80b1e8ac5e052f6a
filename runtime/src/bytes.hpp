// A file mapped read-only, and a cursor over foreign bytes that cannot leave them.
#pragma once

#include <cstring>
#include <npurt/runtime.hpp>
#include <span>
#include <string>

namespace npurt {

using Bytes = std::span<const uint8_t>;

class MappedFile {
 public:
  // Throws Error(input) naming the file: missing, a folder, empty, unreadable.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  Bytes bytes() const { return bytes_; }
  // Gives back the memory of the pages that lie whole in `part`, if it lies in this file; they are read again when touched.
  void release(Bytes part) const;

 private:
  Bytes bytes_;
};

// Little-endian reads; throws Error(input) "FILE: byte 123: …" when the bytes end early.
class Cursor {
 public:
  Cursor(Bytes all, std::string file) : all_(all), file_(std::move(file)) {}

  size_t at() const { return at_; }
  size_t left() const { return all_.size() - at_; }
  Bytes take(uint64_t n, const char* what) {
    if (n > left())
      fail(std::string(what) + " needs " + std::to_string(n) + " bytes, but " + std::to_string(left()) +
           " are left; the file is cut short or damaged");
    Bytes b = all_.subspan(at_, n);
    at_ += n;
    return b;
  }
  template <typename T>
  T read(const char* what) {
    T v;
    std::memcpy(&v, take(sizeof(T), what).data(), sizeof(T));
    return v;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Exit::input, file_ + ": byte " + std::to_string(at_) + ": " + what);
  }

 private:
  Bytes all_;
  size_t at_ = 0;
  std::string file_;
};

// a * b, or throws through the cursor where b or the product is above 2^40.
uint64_t checked_product(uint64_t a, uint64_t b, const Cursor& where, const char* what);

}  // namespace npurt
