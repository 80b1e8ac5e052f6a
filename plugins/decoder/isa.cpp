#include <cstdlib>
#include <npurt/plugin.hpp>
#include <string>

#include "kernels.hpp"

namespace decoder {

extern const Kernels kernels_base, kernels_avx2, kernels_avx512, kernels_vnni;

const Kernels* const* kernel_levels() {
  static const Kernels* levels[5] = {};
  static const bool once = [] {
    int n = 0;
    levels[n++] = &kernels_base;
#if defined(__x86_64__)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (avx2) levels[n++] = &kernels_avx2;
    if (avx512) levels[n++] = &kernels_avx512;
    if (avx512 && __builtin_cpu_supports("avx512vnni")) levels[n++] = &kernels_vnni;
#endif
    return true;
  }();
  (void)once;
  return levels;
}

const Kernels& kernels() {
  static const Kernels& chosen = []() -> const Kernels& {
    const char* variable = std::getenv("NPURT_ISA");
    // There is nothing here for bf16 and tiles: they want many rows.
    const std::string wanted = variable ? variable : "", name = wanted == "amx" || wanted == "bf16" ? "vnni" : wanted;
    const Kernels* last = nullptr;
    for (auto* level = kernel_levels(); *level; ++level) {
      last = *level;
      if (name == last->name) return *last;
    }
    if (wanted.empty()) return *last;
    for (const char* known : {"avx2", "avx512", "vnni"})
      if (name == known) throw npurt::BadConfig("NPURT_ISA is '" + wanted + "', which this processor does not have");
    throw npurt::BadConfig("NPURT_ISA is '" + wanted + "'; wanted base, avx2, avx512, vnni, bf16 or amx");
  }();
  return chosen;
}

}  // namespace decoder
