// The part of AMD's aie_api that npurt's kernels use, for the host: the same kernel source compiles for a core of the NPU with
// the real header and for this machine with this one, and gives the same bits.
//
// Names and meaning follow aie_api (Xilinx/aie_api, MIT); behaviour is AIE2's, from public measurements (docs/kernels.md has
// the sources). What is not here does not compile, so no kernel can lean on something that nobody checked.
//
// A library is compiled once for each instruction set of the host; AIE_HOST_LEVEL keeps those copies apart, since the linker
// would otherwise merge inline functions that hold AVX code with others that must not.
#pragma once

#ifndef AIE_HOST_LEVEL
#define AIE_HOST_LEVEL base
#endif

#include "host/accum.hpp"
#include "host/elementary.hpp"
#include "host/lanes.hpp"
#include "host/mmul.hpp"
#include "host/rounding.hpp"
#include "host/vector.hpp"
