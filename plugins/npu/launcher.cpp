#include "launcher.hpp"

#include "virtual/cost.hpp"

namespace npurt_npu {

Launcher::Launcher(Device& device, const GemmTile& tile, const GemmShape& shape)
    : generation_(device.generation()),
      tile_(tile),
      shape_(shape),
      padded_(npurt_npu::padded(generation_, tile, shape)),
      context_(device.context(gemm_design(generation_, tile))),
      workspace_(Workspace::of(*context_)),
      b_(context_->buffer(padded_.k * padded_.n * tile.in_bytes)),
      program_(context_->program(gemm_instructions(generation_, tile, padded_))) {
  const Usage u = gemm_usage(generation_, tile, padded_);
  work_ = {1, u.read, u.written, padded_.m * (padded_.k * tile.in_bytes + padded_.n * tile.out_bytes),
           launch_seconds(generation_, u) + dispatch_seconds(generation_, 1)};
}

Outcome Launcher::run(const std::function<void(std::byte*)>& fill, const std::function<void(const std::byte*)>& use) {
  const std::lock_guard lock(workspace_->mutex);
  Buffer& a = workspace_->at(*context_, 0, padded_.m * padded_.k * tile_.in_bytes);
  Buffer& c = workspace_->at(*context_, 1, padded_.m * padded_.n * tile_.out_bytes);
  fill(a.map().data());
  a.to_device();
  const Launch launch{program_.get(), {&a, b_.get(), &c}};
  const Outcome outcome = context_->run({&launch, 1}, deadline());
  c.from_device();
  use(c.map().data());
  return outcome;
}

}  // namespace npurt_npu
