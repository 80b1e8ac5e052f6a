// What every kernel source begins with. On the device, kernels have C names, for the linker script of a core; on the host they
// live in a namespace for each instruction set.
#pragma once

#include <aie_api/aie.hpp>

#ifdef __AIENGINE__
#define NPURT_KERNELS extern "C"
#else
#define NPURT_KERNELS namespace npurt_kernels::AIE_HOST_LEVEL
#endif
