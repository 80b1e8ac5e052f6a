#include "launcher.hpp"

#include <map>

namespace npurt_npu {
namespace {

// Longer than any launch takes, shorter than the driver's own limit.
constexpr std::chrono::milliseconds kDeadline{1900};

std::shared_ptr<Workspace> workspace_of(const Context* context) {
  static std::mutex mutex;
  static std::map<const Context*, std::weak_ptr<Workspace>> known;
  const std::lock_guard lock(mutex);
  auto workspace = known[context].lock();
  if (!workspace) known[context] = workspace = std::make_shared<Workspace>();
  return workspace;
}

}  // namespace

std::byte* Workspace::grow(Context& context, std::unique_ptr<Buffer>& buffer, size_t bytes) {
  if (!buffer || buffer->map().size() < bytes) {
    buffer.reset();
    buffer = context.buffer(bytes);
  }
  return buffer->map().data();
}

Launcher::Launcher(Device& device, const GemmTile& tile, const GemmShape& shape)
    : generation_(device.generation()),
      tile_(tile),
      shape_(shape),
      padded_(npurt_npu::padded(generation_, tile, shape)),
      context_(device.context(gemm_design(generation_, tile))),
      workspace_(workspace_of(context_.get())),
      b_(context_->buffer(padded_.k * padded_.n * tile.in_bytes)),
      program_(context_->program(gemm_instructions(generation_, tile, padded_))) {}

Outcome Launcher::run(const std::function<void(std::byte*)>& fill, const std::function<void(const std::byte*)>& use) {
  const std::lock_guard lock(workspace_->mutex);
  std::byte* a = workspace_->grow(*context_, workspace_->a, padded_.m * padded_.k * tile_.in_bytes);
  const std::byte* c = workspace_->grow(*context_, workspace_->c, padded_.m * padded_.n * tile_.out_bytes);
  fill(a);
  workspace_->a->to_device();
  const Launch launch{program_.get(), {workspace_->a.get(), b_.get(), workspace_->c.get()}};
  const Outcome outcome = context_->run({&launch, 1}, kDeadline);
  workspace_->c->from_device();
  use(c);
  return outcome;
}

}  // namespace npurt_npu
