#include <cstdlib>
#include <npurt/plugin.hpp>
#include <string>

#include "kernels.hpp"

namespace diarizer {

extern const Kernels kernels_base, kernels_avx2, kernels_avx512, kernels_vnni;

namespace {

const Kernels& choose() {
  const char* wanted = std::getenv("NPURT_ISA");
  const std::string level = wanted ? wanted : "";
  // bf16 and amx are levels of other plugins; here they add nothing to vnni.
  const int most = level.empty() || level == "vnni" || level == "bf16" || level == "amx" ? 3
                   : level == "avx512"                                                   ? 2
                   : level == "avx2"                                                     ? 1
                   : level == "base"                                                     ? 0
                                                                                         : -1;
  if (most < 0) throw npurt::BadConfig("NPURT_ISA is '" + level + "'; wanted base, avx2, avx512, vnni, bf16 or amx");
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (most >= 3 && avx512 && __builtin_cpu_supports("avx512vnni")) return kernels_vnni;
  if (most >= 2 && avx512) return kernels_avx512;
  if (most >= 1 && avx2) return kernels_avx2;
#endif
  return kernels_base;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace diarizer
