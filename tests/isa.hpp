// Tests that run again at each instruction level: ctest sets NPURT_ISA (npurt_level_tests in tests/CMakeLists.txt).
#pragma once

#include <cstdio>

#include "catch.hpp"
#include "tensors.hpp"

namespace npurt_test {

// Whether NPURT_ISA asks for a level that this processor lacks; says so once, which ctest takes for a skipped test.
inline bool lacks_level(const npurt_plugin& plugin, const char* op) {
  const std::string said = stopped([&] { Stage(plugin, op).plan({npurt::Spec(NPURT_F32, {480, 480})}, 1); });
  const bool lacks = said.find("which this processor does not have") != std::string::npos;
  if (lacks) std::printf("skipped: %s\n", said.c_str());
  return lacks;
}

}  // namespace npurt_test
