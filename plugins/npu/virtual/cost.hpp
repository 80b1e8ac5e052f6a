// How long a launch would take: the slowest of computing, one shim channel and host memory, plus a dispatch. The constants of a
// generation are in configs/devices.yaml, the cycles of a kernel in its manifest; docs/hardware.md says how well this does.
#pragma once

#include <generations.hpp>

#include "machine.hpp"

namespace npurt_npu {

// Seconds of one launch, without its dispatch.
double launch_seconds(const Generation& g, const Usage& u);

// Seconds to dispatch a list of launches: alone, or as a run list.
double dispatch_seconds(const Generation& g, size_t launches);

}  // namespace npurt_npu
