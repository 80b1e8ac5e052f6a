#pragma once

#include "device.hpp"

namespace npurt_npu {

// The NPU that XRT sees first. Throws DeviceError where there is none, or one that npurt does not know.
std::unique_ptr<Device> xrt_device();

}  // namespace npurt_npu
