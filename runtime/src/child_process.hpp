// The program libexec/npurt/isolated, running beside this one with a socket to it and the arena in common.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "arena.hpp"

namespace npurt {

// A child process, idle until a stage is planned in it.
class ChildProcess {
 public:
  // Returns before the child is ready. Throws Error(run_failed) if there is no child to be had.
  explicit ChildProcess(const Arena& arena);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  static constexpr std::chrono::milliseconds kPatience{1000};
  // Hangs up, waits and says what became of it; what has not ended after `patience` is killed.
  std::string end(std::chrono::milliseconds patience);
  // Resident bytes that it shares with nobody.
  uint64_t own_memory() const;

  int socket = -1;

 private:
  pid_t id_ = -1;
};

}  // namespace npurt
