#include <manifests.hpp>

#include "../tile.hpp"

NPURT_KERNELS {
  using namespace npurt_kernels::manifest_matmul_i8;

  void matmul_i8(const int8* a, const int8* b, int32* c) { add_product<m, k, n, r, s, t>(a, b, c); }
  void matmul_i8_clear(int32 * c) { clear<m * n>(c); }
}
