// One call of a node's stage: outputs are given memory, time is taken, the result is checked, and a fault is answered by the next
// candidate and the same packet.
#pragma once

#include "place.hpp"

namespace npurt {

struct Stepped {
  bool emit = true, again = false, cancelled = false;
};

class Step {
 public:
  Step(PlanNode& p, Surroundings& around);

  // One call with the tensors of `in` (none has data when `end`). Throws Error when the run cannot go on.
  Stepped run(int64_t index, bool end);
  // Takes output `port` as a packet. Throws Error if the stage never gave it a shape.
  Packet take(size_t port, int64_t index);

  std::vector<npurt_tensor> in;  // one per input port; blank where nothing is connected
  Outputs out;
  NodeTiming timing;

 private:
  int32_t call(npurt_call& c);
  bool sums_up() const;
  void check_inputs() const;
  void check_outputs(const npurt_call& c, bool end) const;
  [[noreturn]] void stop(npurt_code code, const std::string& sentence) const;
  void fall_back(const std::string& fault);

  PlanNode& p_;
  Surroundings& around_;
  bool check_calls_;
};

}  // namespace npurt
