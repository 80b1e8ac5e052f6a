// Which instructions the stages of this plugin use: the best that the machine has, or what NPURT_ISA asks for.
#pragma once

#include "kernels.hpp"

namespace npurt_cpu {

// Each level includes the ones before it. `vnni` is AVX-512 with 8-bit dot products, `bf16` has those of bf16 too, `amx` has
// tiles of both.
enum class Isa { base, avx2, avx512, vnni, bf16, amx };

// Decided once per process. NPURT_ISA=base|avx2|avx512|vnni|bf16|amx lowers it, for oneDNN too. Throws BadConfig when that is
// none of these words, or more than the machine has.
Isa isa();
const char* isa_name(Isa level);

// The vector kernels of that level.
const Kernels& kernels();

// Levels of a quantised activation: 255, or 127 where the processor adds pairs of 8-bit products in 16 bits (no VNNI), which
// more would overflow.
int activation_levels();

}  // namespace npurt_cpu
