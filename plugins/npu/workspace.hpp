// Buffers that all launches of a context share, since only one of them is under way at a time.
#pragma once

#include <map>
#include <mutex>

#include "device.hpp"

namespace npurt_npu {

class Workspace {
 public:
  // The one of this context, kept while anyone holds it.
  static std::shared_ptr<Workspace> of(const Context& context);

  std::mutex mutex;  // to be held from filling a buffer until its results are read
  // Buffer `number`, of at least that size; what it held may be lost.
  Buffer& at(Context& context, unsigned number, size_t bytes);

 private:
  std::map<unsigned, std::unique_ptr<Buffer>> buffers_;
};

// Longer than any launch takes, shorter than the driver's own limit.
constexpr std::chrono::milliseconds kDeadline{1900};

}  // namespace npurt_npu
