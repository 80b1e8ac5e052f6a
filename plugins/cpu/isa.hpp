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

// Levels of an activation that is quantised to meet the int8 matrix w[n, k]: 255, or fewer where the processor adds pairs of
// products in 16 bits (no VNNI): the most that no pair of w overflows, at least 127.
int activation_levels(const int8_t* w, int64_t n, int64_t k);

}  // namespace npurt_cpu
