// Golden self-test of the GEMM kernels: a product with a known answer, once for each kernel and device of the process.
#pragma once

#include "device.hpp"
#include "gemm.hpp"

namespace npurt_npu {

// Throws DeviceError that says what came instead of the answer: zeros, NaN, or how many wrong values and the first of them.
void self_test(Device& device, const GemmTile& tile);

}  // namespace npurt_npu
