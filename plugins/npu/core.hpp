// A core of the NPU as its program sees it: data memory and locks. A program is a coroutine, so that it can wait for a lock
// while the virtual NPU goes on with other tiles.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <utility>

#include "descriptor.hpp"

namespace npurt_npu {

// The semaphores of one tile.
class Locks {
 public:
  static constexpr int kMost = 63;

  bool can_take(unsigned id, int n) const { return value_[id] >= n; }
  void take(unsigned id, int n) { value_[id] -= n; }
  // Throws LimitError above 63, where the hardware's counter ends.
  void add(unsigned id, int n) {
    if (value_[id] + n > kMost || value_[id] + n < 0)
      throw LimitError("lock " + std::to_string(id) + " would become " + std::to_string(value_[id] + n) + "; locks hold 0 to 63");
    value_[id] += n;
  }
  int value(unsigned id) const { return value_[id]; }
  void set(unsigned id, int v) { value_[id] = v; }

 private:
  std::array<int, 64> value_{};
};

class Core {
 public:
  Core(std::byte* memory, Locks& locks) : memory_(memory), locks_(locks) {}

  // co_await core.acquire(id, n): waits until the lock is at least n, and takes n.
  auto acquire(unsigned id, int n = 1) {
    struct Wait {
      Core& core;
      bool await_ready() const { return core.take(); }
      void await_suspend(std::coroutine_handle<>) const {}
      void await_resume() const {}
    };
    lock_ = id;
    wanted_ = n;
    return Wait{*this};
  }
  void release(unsigned id, int n = 1) { locks_.add(id, n); }
  std::byte* at(uint32_t offset) const { return memory_ + offset; }
  uint32_t word(uint32_t offset) const {
    uint32_t w;
    __builtin_memcpy(&w, memory_ + offset, sizeof w);
    return w;
  }
  // Modelled cycles of what was just done.
  void spend(uint64_t cycles) { cycles_ += cycles; }

  // For the machine: takes what the program waits for, if it can; and what was spent since the last call.
  bool take() {
    if (!locks_.can_take(lock_, wanted_)) return false;
    locks_.take(lock_, wanted_);
    return true;
  }
  unsigned waits_for() const { return lock_; }
  uint64_t spent() { return std::exchange(cycles_, 0); }

 private:
  std::byte* memory_;
  Locks& locks_;
  unsigned lock_ = 0;
  int wanted_ = 0;
  uint64_t cycles_ = 0;
};

// A running core program; it stops at its first wait.
class CoreTask {
 public:
  struct promise_type {
    CoreTask get_return_object() { return CoreTask(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { error = std::current_exception(); }
    std::exception_ptr error;
  };
  explicit CoreTask(std::coroutine_handle<promise_type> h) : handle_(h) {}
  CoreTask(CoreTask&& o) noexcept : handle_(std::exchange(o.handle_, nullptr)) {}
  CoreTask& operator=(CoreTask&& o) noexcept {
    std::swap(handle_, o.handle_);
    return *this;
  }
  ~CoreTask() {
    if (handle_) handle_.destroy();
  }

  bool done() const { return !handle_ || handle_.done(); }
  void resume() {
    handle_.resume();
    if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
  }

 private:
  std::coroutine_handle<promise_type> handle_;
};

using CoreProgram = std::function<CoreTask(Core&)>;

}  // namespace npurt_npu
