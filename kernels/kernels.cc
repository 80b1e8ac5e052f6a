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
  void encoder_layer_bf16_copy(const int32* from, int32* to, unsigned words);
  void encoder_layer_bf16_finish(const float* c, const float* bias, bfloat16* out);
  void encoder_layer_bf16_finish_f32(const float* c, const float* bias, float* out, unsigned half);
  void encoder_layer_bf16_measure(const float* row, float* found, unsigned width, float share);
  void encoder_layer_bf16_normalise(const float* x, const float* found, bfloat16* out);
  void encoder_layer_bf16_begin(float* sums, bfloat16* top, bfloat16* v);
  void encoder_layer_bf16_keys(const bfloat16* rows, bfloat16* k);
  void encoder_layer_bf16_values(const bfloat16* rows, bfloat16* v);
  void encoder_layer_bf16_maximum(const bfloat16* q, const bfloat16* k, bfloat16* top, unsigned valid);
  void encoder_layer_bf16_add(const bfloat16* q, const bfloat16* k, const bfloat16* v, float* sums, const bfloat16* top,
                              bfloat16* p, unsigned valid);
  void encoder_layer_bf16_divide(const float* sums, bfloat16* out, unsigned half);
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
    [](const void* from, void* to, unsigned words) {
      encoder_layer_bf16_copy(static_cast<const int32*>(from), static_cast<int32*>(to), words);
    },
    [](const void* c, const void* bias, void* out) {
      encoder_layer_bf16_finish(static_cast<const float*>(c), static_cast<const float*>(bias), static_cast<bfloat16*>(out));
    },
    [](const void* c, const void* bias, void* out, unsigned half) {
      encoder_layer_bf16_finish_f32(static_cast<const float*>(c), static_cast<const float*>(bias), static_cast<float*>(out),
                                    half);
    },
    [](const void* row, void* found, unsigned width, float share) {
      encoder_layer_bf16_measure(static_cast<const float*>(row), static_cast<float*>(found), width, share);
    },
    [](const void* x, const void* found, void* out) {
      encoder_layer_bf16_normalise(static_cast<const float*>(x), static_cast<const float*>(found), static_cast<bfloat16*>(out));
    },
    [](void* sums, void* top, void* v) {
      encoder_layer_bf16_begin(static_cast<float*>(sums), static_cast<bfloat16*>(top), static_cast<bfloat16*>(v));
    },
    [](const void* rows, void* k) { encoder_layer_bf16_keys(static_cast<const bfloat16*>(rows), static_cast<bfloat16*>(k)); },
    [](const void* rows, void* v) { encoder_layer_bf16_values(static_cast<const bfloat16*>(rows), static_cast<bfloat16*>(v)); },
    [](const void* q, const void* k, void* top, unsigned valid) {
      encoder_layer_bf16_maximum(static_cast<const bfloat16*>(q), static_cast<const bfloat16*>(k), static_cast<bfloat16*>(top),
                                 valid);
    },
    [](const void* q, const void* k, const void* v, void* sums, const void* top, void* p, unsigned valid) {
      encoder_layer_bf16_add(static_cast<const bfloat16*>(q), static_cast<const bfloat16*>(k), static_cast<const bfloat16*>(v),
                             static_cast<float*>(sums), static_cast<const bfloat16*>(top), static_cast<bfloat16*>(p), valid);
    },
    [](const void* sums, void* out, unsigned half) {
      encoder_layer_bf16_divide(static_cast<const float*>(sums), static_cast<bfloat16*>(out), half);
    },
};

}  // namespace npurt_kernels::AIE_HOST_LEVEL
