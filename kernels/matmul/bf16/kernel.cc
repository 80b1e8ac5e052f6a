#include <manifests.hpp>

#include "../tile.hpp"

NPURT_KERNELS {
  using namespace npurt_kernels::manifest_matmul_bf16;

  void matmul_bf16(const bfloat16* a, const bfloat16* b, float* c) { add_product<m, k, n, r, s, t>(a, b, c); }
  void matmul_bf16_clear(float* c) { clear<m * n>(c); }
}
