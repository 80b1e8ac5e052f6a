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

// What a launch that is made again and again takes each time.
struct Work {
  uint64_t launches = 0, read = 0, written = 0;  // bytes of host memory
  uint64_t converted = 0;                        // bytes that the host lays out for it, and back
  double seconds = 0;                            // modelled
};

// How long a launch may take: longer than any does on hardware, shorter than the driver's own limit; NPURT_NPU_DEADLINE, in
// milliseconds, gives a simulator under XRT more.
std::chrono::milliseconds deadline();

}  // namespace npurt_npu
