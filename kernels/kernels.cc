#include "kernels.hpp"

#include "kernel.hpp"

// Declared again, as the linker of a core sees them, so that a source that strays from its manifest does not link.
NPURT_KERNELS {
  void matmul_i8(const int8* a, const int8* b, int32* c);
  void matmul_i8_clear(int32 * c);
  void matmul_bf16(const bfloat16* a, const bfloat16* b, float* c);
  void matmul_bf16_clear(float* c);
}

namespace npurt_kernels::AIE_HOST_LEVEL {

extern const Kernels kernels = {
    [](const void* a, const void* b, void* c) {
      matmul_i8(static_cast<const int8*>(a), static_cast<const int8*>(b), static_cast<int32*>(c));
    },
    [](void* c) { matmul_i8_clear(static_cast<int32*>(c)); },
    [](const void* a, const void* b, void* c) {
      matmul_bf16(static_cast<const bfloat16*>(a), static_cast<const bfloat16*>(b), static_cast<float*>(c));
    },
    [](void* c) { matmul_bf16_clear(static_cast<float*>(c)); },
};

}  // namespace npurt_kernels::AIE_HOST_LEVEL
