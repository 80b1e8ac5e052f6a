// A virtual amdxdna driver: answers ioctls as the kernel would, and lets virtual NPUs execute the commands. One for each open
// file of the device.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "context.hpp"

namespace npurt_npu {

class Driver {
 public:
  // `memory` is a memory file that buffers lie in, and stays the caller's. With `syncobjs`, contexts have one that counts
  // commands, as the kernel's own driver gives; without, clients wait by sequence number.
  Driver(int memory, const Generation& generation, const std::string& faults, bool syncobjs);
  ~Driver();
  // ioctl of type 'd': 0, or the errno.
  int control(unsigned number, void* argument);

 private:
  struct Slot;  // one of the contexts that all processes share
  void create_context(uapi::CreateContext& a);
  void config_context(const uapi::ConfigContext& a);
  void create_bo(uapi::CreateBo& a);
  std::shared_ptr<Object> packet(uint32_t handle) const;
  void exec(uapi::Exec& a);
  void wait(const uapi::Wait& a);
  void wait(const uapi::TimelineWait& a);
  void get_info(const uapi::GetInfo& a);
  std::shared_ptr<HwContext> context(uint32_t handle);
  void dispatch(unsigned number, void* argument);

  Shared shared_;
  const bool syncobjs_;
  std::mutex mutex_;  // of what follows
  Objects objects_;
  struct Held;
  std::map<uint32_t, Held> contexts_;
  uint32_t next_ = 1;
};

}  // namespace npurt_npu
