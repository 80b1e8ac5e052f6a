// Ctrl-C: the first one asks the run to stop, the second ends the process at once.
#pragma once

#include <signal.h>

#include <atomic>

namespace npurt::cli {

inline constexpr int kInterrupted = 130;  // exit code, as shells give it

// While one lives, SIGINT and SIGTERM set flag(). Before and after, they end the process as usual.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  static const std::atomic<bool>& flag();

 private:
  struct sigaction before_int_ {
  }, before_term_{};
};

}  // namespace npurt::cli
