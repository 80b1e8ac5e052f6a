// Faults on demand.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace npurt_npu {

class Faults {
 public:
  // "hang@3,zeros"; throws DeviceError for what is not one.
  explicit Faults(const std::string& text);

  // Counts one more run of the device.
  void next_run() { ++run_; }
  // Whether `what` goes wrong in this run; what is asked for between runs belongs to the next one.
  bool due(const char* what) const { return due_at(what, run_); }
  bool due_before_run(const char* what) const { return due_at(what, run_ + 1); }

  // zeros, nan and wrong: what this run wrote becomes that.
  void spoil(std::byte* data, size_t bytes) const;

 private:
  bool due_at(const char* what, unsigned run) const;
  struct Fault {
    std::string what;
    unsigned from;
  };
  std::vector<Fault> all_;
  unsigned run_ = 0;
};

}  // namespace npurt_npu
