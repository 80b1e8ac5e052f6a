// Tests that run again at each instruction level: ctest sets NPURT_ISA (npurt_level_tests in tests/CMakeLists.txt).
#pragma once

#include <cstdio>

#include "catch.hpp"
#include "tensors.hpp"

namespace npurt_test {

// Whether NPURT_ISA asks for a level that this processor lacks, as the cpu plugin sees it; says so, which ctest takes for a
// skipped test.
inline bool lacks_level() {
  static const std::string said =
      stopped([] { Stage(load(NPURT_PLUGIN_DIR "/libnpurt_cpu.so"), "log_mel").plan({npurt::Spec(NPURT_F32, {480})}, 1); });
  const bool lacks = said.find("which this processor does not have") != std::string::npos;
  if (lacks) std::printf("skipped: %s\n", said.c_str());
  return lacks;
}

}  // namespace npurt_test
