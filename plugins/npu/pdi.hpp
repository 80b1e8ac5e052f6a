// A design as bytes: what a context is given when it is made. For the hardware that is a PDI whose CDO (configuration data
// object, AMD UG1304) writes every register and loads the cores' machine code. Ours has the same CDO for descriptors, locks,
// tasks and memory, but names the cores' programs and lists the stream connections, so only a virtual NPU can use it; its first
// word is none of the hardware's, which refuses it.
#pragma once

#include <generations.hpp>
#include <span>

#include "design.hpp"

namespace npurt_npu {

std::vector<std::byte> pdi_of(const Design& design);

// Throws LimitError, naming the word, for bytes that are no such design.
Design design_of(const Generation& generation, std::span<const std::byte> pdi);

}  // namespace npurt_npu
