// Attention of fixed shape, ready to run again and again.
#pragma once

#include "../workspace.hpp"
#include "design.hpp"

namespace npurt_npu {

class AttentionLauncher {
 public:
  // Throws DeviceError, and LimitError for a shape that no launch can do.
  AttentionLauncher(Device& device, const AttentionShape& shape);

  // What each run takes, and modelled seconds.
  const Work& work() const { return work_; }

  // y [length, 64·heads] from qkv [length, 3·64·heads]: q, k and v side by side, each `heads` heads wide. One launch.
  Outcome run(const float* qkv, float* y);

 private:
  void pack_queries(const float* qkv, uint16_t* out) const;
  void pack_keys_and_values(const float* qkv, uint16_t* out) const;
  void unpack(const float* sums, float* y) const;

  AttentionShape shape_;
  std::shared_ptr<Context> context_;
  std::shared_ptr<Workspace> workspace_;
  std::unique_ptr<Program> program_;
  Work work_;
};

// One row of one head in doubles: out[64]. For tests of the device.
void attend_row(const AttentionShape& s, const float* qkv, uint64_t head, uint64_t row, double* out);

// A small product with a known answer, once for each device of the process. Throws DeviceError that says what came instead.
void attention_self_test(Device& device);

}  // namespace npurt_npu
