#include "workspace.hpp"

#include <cstdlib>

namespace npurt_npu {

std::shared_ptr<Workspace> Workspace::of(const Context& context) {
  static std::mutex mutex;
  static std::map<const Context*, std::weak_ptr<Workspace>> known;
  const std::lock_guard lock(mutex);
  auto workspace = known[&context].lock();
  if (!workspace) known[&context] = workspace = std::make_shared<Workspace>();
  return workspace;
}

std::chrono::milliseconds deadline() {
  static const long set = [] {
    const char* text = std::getenv("NPURT_NPU_DEADLINE");
    return text ? std::strtol(text, nullptr, 10) : 0;
  }();
  return std::chrono::milliseconds(set > 0 ? set : 1900);
}

Buffer& Workspace::at(Context& context, unsigned number, size_t bytes) {
  auto& buffer = buffers_[number];
  if (!buffer || buffer->map().size() < bytes) {
    buffer.reset();
    buffer = context.buffer(bytes);
  }
  return *buffer;
}

}  // namespace npurt_npu
