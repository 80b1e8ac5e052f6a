// One layer of fixed shape, ready to run again and again: its weights on the device, its launches as one list.
#pragma once

#include <functional>

#include "../workspace.hpp"
#include "design.hpp"

namespace npurt_npu {

// A layer's weights as models have them: f32, weights [n, k] with a row for each output.
struct LayerSource {
  struct Pair {
    const float *weight, *bias;
  };
  Pair attn_ln, mlp_ln;          // gamma and beta
  std::array<Pair, 4> products;  // qkv, out, fc1, fc2
};

// The device's own view of a layer, for whoever wants to see more than its output: everything at LayerPlaces, and the weights.
struct LayerView {
  const std::byte* layer;
  std::array<const std::byte*, 4> weights;
};

class LayerLauncher {
 public:
  // Throws DeviceError, and LimitError for a shape that the design cannot do.
  LayerLauncher(Device& device, const LayerShape& shape, const LayerSource& source);

  // What each run takes, and modelled seconds.
  const Work& work() const { return work_; }

  // Runs the layer on x [length, width], one list and one wait. `look` reads the results while they are there.
  Outcome run(const float* x, const std::function<void(const LayerView&)>& look);

 private:
  void add(const Generation& g, const LayerLaunch& launch);

  LayerShape shape_;
  std::shared_ptr<Context> context_;
  std::shared_ptr<Workspace> workspace_;
  std::array<std::unique_ptr<Buffer>, 4> weights_;
  std::vector<std::unique_ptr<Program>> programs_;
  Work work_;
};

// A layer with a known answer, once for each device of the process. Throws DeviceError that says what came instead.
void layer_self_test(Device& device);

}  // namespace npurt_npu
