#include "isa.hpp"

#include <cstdlib>
#include <iterator>
#include <npurt/plugin.hpp>
#include <string>

#include "onednn.hpp"

namespace npurt_cpu {
namespace {

constexpr const char* kNames[] = {"base", "avx2", "avx512", "vnni", "bf16", "amx"};

Isa machine() {
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  bool vnni = avx512 && __builtin_cpu_supports("avx512vnni"), bf16 = vnni && __builtin_cpu_supports("avx512bf16");
  if (bf16 && onednn_has_amx()) return Isa::amx;
  if (bf16) return Isa::bf16;
  if (vnni) return Isa::vnni;
  return avx512 ? Isa::avx512 : avx2 ? Isa::avx2 : Isa::base;
}

Isa choose() {
  const char* wanted = std::getenv("NPURT_ISA");
  if (!wanted || !*wanted) return machine();
  for (int i = 0; i < static_cast<int>(std::size(kNames)); ++i) {
    if (std::string(wanted) != kNames[i]) continue;
    Isa level = static_cast<Isa>(i);
    // oneDNN's limit can be set only before its first use, so the machine is looked at without it.
    if (level < Isa::amx) onednn_limit(level);
    if (machine() < level)
      throw npurt::BadConfig(std::string("NPURT_ISA is '") + wanted + "', which this processor does not have");
    return level;
  }
  throw npurt::BadConfig(std::string("NPURT_ISA is '") + wanted + "'; wanted base, avx2, avx512, vnni, bf16 or amx");
}

}  // namespace

Isa isa() {
  static const Isa level = choose();
  return level;
}

const char* isa_name(Isa level) { return kNames[static_cast<int>(level)]; }

const Kernels& kernels() {
  Isa level = isa();
  return level >= Isa::avx512 ? avx512::kernels : level == Isa::avx2 ? avx2::kernels : base::kernels;
}

int activation_levels() { return isa() >= Isa::vnni || onednn_has_vnni() ? 255 : 127; }

}  // namespace npurt_cpu
