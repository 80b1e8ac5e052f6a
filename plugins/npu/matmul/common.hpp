// What both kernels of npu_matmul do alike.
#pragma once

#include "stages.hpp"

namespace npurt_npu {

// The product's shape, from option `weight`; refuses where there is no NPU.
void plan_matmul(npurt::Host host, npurt::Specs in, npurt::Outs out);

// Opens the NPU, tests the kernel on it and makes the launch of this shape. Throws Refuse with the reason.
Launcher open_launcher(npurt::Host host, const GemmTile& tile, int64_t m, int64_t k, int64_t n);

// One launch. A device's failure becomes a Fault; its time goes to the report, marked if it is modelled.
void launch(npurt::Host host, Launcher& launcher, const std::function<void(std::byte*)>& fill,
            const std::function<void(const std::byte*)>& use);

}  // namespace npurt_npu
