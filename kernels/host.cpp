#include "kernels.hpp"

namespace npurt_kernels {

const Kernels& kernels() {
  static const Kernels& best = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? avx2::kernels : base::kernels;
  return best;
}

}  // namespace npurt_kernels
