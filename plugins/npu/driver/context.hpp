// A hardware context of the virtual driver: a design on its own virtual NPU, a queue of commands, and the thread that works on
// it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <thread>

#include "../virtual/faults.hpp"
#include "../virtual/machine.hpp"
#include "objects.hpp"

namespace npurt_npu {

// What a process has one of.
struct Shared {
  const Generation& generation;
  Faults faults;
  std::mutex array;  // one command at a time is on the NPU, and touches faults
};

// One command of a client, with all it may touch.
struct Command {
  std::shared_ptr<Object> packet;              // of the command, or of the chain
  std::vector<std::shared_ptr<Object>> chain;  // packets of a chain's members; empty for a single one
  std::vector<std::shared_ptr<Object>> arguments;
  uint64_t sequence = 0;
};

class HwContext {
 public:
  explicit HwContext(Shared& shared);
  // What still waits ends in state ABORT.
  ~HwContext();
  // Throws Errno(EINVAL) for a second one or for bytes that are no design; says why on stderr.
  void configure(std::span<const std::byte> pdi);
  // Blocks while as many commands are under way as the driver allows. Returns the sequence number.
  uint64_t submit(Command command);
  // Whether that command ended by then.
  bool wait(uint64_t sequence, std::chrono::steady_clock::time_point until);

 private:
  void work();
  bool finish(Command& command);  // false: the context was closed meanwhile
  uint32_t run(Object& packet, const Command& command);
  std::vector<Argument> data_of(const uint32_t* words, uint32_t count, const Command& command) const;

  Shared& shared_;
  Design design_;
  std::unique_ptr<Machine> machine_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Command> queue_;
  uint64_t submitted_ = 0, done_ = 0;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace npurt_npu
