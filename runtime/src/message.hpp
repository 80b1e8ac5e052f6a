// What the two sides of an isolated stage say to each other over a socket: a kind, then values one behind the other.
#pragma once

#include <npurt/abi.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace npurt {

// The other side is gone, or speaks nonsense.
struct Parted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Message {
 public:
  enum Kind : uint32_t {
    // to the child; it answers with `done`
    plan,
    open,
    run,
    // to the parent, while it waits for `done`; the first four get no answer, the others a `reply`
    log,
    progress,
    device_time,
    device_work,
    option,
    resize,
    borrow,
    inner,
    run_inner,
    reply,
    done
  };

  explicit Message(Kind kind = done) : kind(kind) {}
  Kind kind;

  template <typename T>
  Message& put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Message& put(const std::string& text) {
    put(static_cast<uint64_t>(text.size()));
    bytes_ += text;
    return *this;
  }
  template <typename T>
  T get() {
    T value;
    std::memcpy(&value, next(sizeof value), sizeof value);
    return value;
  }
  // A count of things to come, at most 64. Throws Parted.
  uint32_t count() {
    const auto n = get<uint32_t>();
    if (n > 64) throw Parted("a message makes no sense");
    return n;
  }
  std::string text() {
    const auto size = get<uint64_t>();
    return {next(size), static_cast<size_t>(size)};
  }

  // The values of another message, behind this one's.
  Message& append(const Message& other) {
    bytes_ += other.bytes_;
    return *this;
  }

  // Both throw Parted.
  void send(int socket) const;
  static Message receive(int socket);

 private:
  const char* next(uint64_t size) {
    if (size > bytes_.size() - at_) throw Parted("a message is too short");
    const char* here = bytes_.data() + at_;
    at_ += static_cast<size_t>(size);
    return here;
  }
  std::string bytes_;
  size_t at_ = 0;
};

// A tensor whose data lies in the arena at `base`, or that has none.
void put_tensor(Message& m, const npurt_tensor& t, const char* base);
// Throws Parted unless it lies within `bytes` from `base`.
npurt_tensor get_tensor(Message& m, char* base, uint64_t bytes);

}  // namespace npurt
