// All designs that npurt has, and the programs of their cores by name.
#pragma once

#include <generations.hpp>

#include "design.hpp"

namespace npurt_npu {

// Data buffers that a launch of any design takes.
constexpr unsigned kDataBuffers = 3;

std::vector<Design> all_designs(const Generation& g);

// The program of a core; throws LimitError for a name that there is not.
CoreProgram core_program(const std::string& name);

}  // namespace npurt_npu
