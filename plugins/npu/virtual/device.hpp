#pragma once

#include "../device.hpp"

namespace npurt_npu {

// The virtual NPU behind the device interface: holds to the number of contexts, models time, and fails on demand.
//
// `faults` is a list such as "hang@3,zeros": what to do wrong, and from which run on (1 if left out). hang, error and abort end
// a run as the driver would, slow makes it too slow; lost also ends every later one; zeros, nan and wrong spoil its last buffer;
// memory refuses buffers, contexts refuses contexts. Throws DeviceError for anything else.
std::unique_ptr<Device> virtual_device(const Generation& generation, const std::string& faults = "");

}  // namespace npurt_npu
