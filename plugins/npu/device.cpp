#include "device.hpp"

#include <cstdlib>
#include <mutex>

#include "virtual/device.hpp"
#ifdef NPURT_XRT
#include "xrt.hpp"
#endif

namespace npurt_npu {
namespace {

std::string environment(const char* name, const char* otherwise) {
  const char* v = std::getenv(name);
  return v && *v ? v : otherwise;
}

const Generation& virtual_generation() {
  const std::string wanted = environment("NPURT_VIRTUAL_NPU", "npu1");
  try {
    return generation(wanted);
  } catch (const DeviceError& e) {
    throw DeviceError("NPURT_VIRTUAL_NPU is '" + wanted + "': " + e.what());
  }
}

}  // namespace

Device& open_device(const std::string& mode) {
  static std::mutex mutex;
  static std::unique_ptr<Device> simulated, real;
  const std::lock_guard lock(mutex);
  if (mode == "off") throw DeviceError("the NPU is switched off (--npu off)");
  if (mode == "virtual") {
    if (!simulated) simulated = virtual_device(virtual_generation(), environment("NPURT_NPU_FAULTS", ""));
    return *simulated;
  }
  if (mode != "xrt" && mode != "auto") throw DeviceError("there is no --npu " + mode + "; there are auto, xrt, virtual and off");
#ifdef NPURT_XRT
  if (!real) real = xrt_device();
  return *real;
#else
  throw DeviceError("this build has no XRT (on Debian 13, from trixie-backports: libxrt-dev and libxrt-npu2; then build again)");
#endif
}

}  // namespace npurt_npu
