// One GEMM of fixed shape, ready to run again and again: its context, its weights on the device, its instruction stream.
#pragma once

#include <functional>

#include "gemm.hpp"
#include "workspace.hpp"

namespace npurt_npu {

class Launcher {
 public:
  // Throws DeviceError, and LimitError for a shape that no launch can do. B begins as zeros.
  Launcher(Device& device, const GemmTile& tile, const GemmShape& shape);

  const GemmShape& shape() const { return shape_; }
  const GemmShape& padded() const { return padded_; }
  // What each run takes, and modelled seconds.
  const Work& work() const { return work_; }
  // Packs element (k, n) of B; T has the size of the tile's input.
  template <typename T>
  void set_weight(uint64_t k, uint64_t n, T value) {
    reinterpret_cast<T*>(b_->map().data())[packed_place(generation_, tile_, padded_, k, n)] = value;
  }
  // After the last weight.
  void finish_weights() { b_->to_device(); }

  // fill(A) writes the rows of A, padded().k apart; use(C) reads rows that are padded().n apart. One launch, one wait.
  Outcome run(const std::function<void(std::byte*)>& fill, const std::function<void(const std::byte*)>& use);

 private:
  const Generation& generation_;
  const GemmTile& tile_;
  GemmShape shape_, padded_;
  std::shared_ptr<Context> context_;
  std::shared_ptr<Workspace> workspace_;
  std::unique_ptr<Buffer> b_;
  std::unique_ptr<Program> program_;
  Work work_;
};

}  // namespace npurt_npu
