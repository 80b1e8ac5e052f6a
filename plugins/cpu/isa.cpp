#include "isa.hpp"

#include <algorithm>
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

// Pairs are neighbours along k. The sum of a pair is largest where all that is of one sign meets the highest level.
int activation_levels(const int8_t* w, int64_t n, int64_t k) {
  if (isa() >= Isa::vnni || onednn_has_vnni()) return 255;
  int most = 1;
  for (int64_t r = 0; r < n; ++r, w += k)
    for (int64_t i = 0; i < k; i += 2) {
      const int a = w[i], b = i + 1 < k ? w[i + 1] : 0;
      most = std::max({most, std::max(a, 0) + std::max(b, 0), -std::min(a, 0) - std::min(b, 0)});
    }
  return std::min(255, 32767 / most);
}

}  // namespace npurt_cpu
