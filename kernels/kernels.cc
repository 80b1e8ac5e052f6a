#include "kernels.hpp"

#include "kernel.hpp"

// Declared again, as the linker of a core sees them, so that a source that strays from its manifest does not link.
NPURT_KERNELS {
  void matmul_i8(const int8* a, const int8* b, int32* c);
  void matmul_i8_clear(int32 * c);
  void matmul_bf16(const bfloat16* a, const bfloat16* b, float* c);
  void matmul_bf16_clear(float* c);
  void attention_bf16_begin(float* out, bfloat16* top);
  void attention_bf16_maximum(const bfloat16* q, const bfloat16* k, bfloat16* top, unsigned valid);
  void attention_bf16_add(const bfloat16* q, const bfloat16* k, const bfloat16* v, float* out, const bfloat16* top, bfloat16* p,
                          unsigned valid);
  void layer_norm_bf16(const bfloat16* x, const bfloat16* scale, bfloat16* y, unsigned rows, unsigned width, float share);
  void gelu_bf16(const bfloat16* x, bfloat16* y, unsigned count);
  void softmax_bf16(const bfloat16* x, bfloat16* y, unsigned rows, unsigned width);
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
    [](void* out, void* top) { attention_bf16_begin(static_cast<float*>(out), static_cast<bfloat16*>(top)); },
    [](const void* q, const void* k, void* top, unsigned valid) {
      attention_bf16_maximum(static_cast<const bfloat16*>(q), static_cast<const bfloat16*>(k), static_cast<bfloat16*>(top),
                             valid);
    },
    [](const void* q, const void* k, const void* v, void* out, const void* top, void* p, unsigned valid) {
      attention_bf16_add(static_cast<const bfloat16*>(q), static_cast<const bfloat16*>(k), static_cast<const bfloat16*>(v),
                         static_cast<float*>(out), static_cast<const bfloat16*>(top), static_cast<bfloat16*>(p), valid);
    },
    [](const void* x, const void* scale, void* y, unsigned rows, unsigned width, float share) {
      layer_norm_bf16(static_cast<const bfloat16*>(x), static_cast<const bfloat16*>(scale), static_cast<bfloat16*>(y), rows,
                      width, share);
    },
    [](const void* x, void* y, unsigned count) { gelu_bf16(static_cast<const bfloat16*>(x), static_cast<bfloat16*>(y), count); },
    [](const void* x, void* y, unsigned rows, unsigned width) {
      softmax_bf16(static_cast<const bfloat16*>(x), static_cast<bfloat16*>(y), rows, width);
    },
};

}  // namespace npurt_kernels::AIE_HOST_LEVEL
