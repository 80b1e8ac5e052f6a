// The kernels as they run on the host: one table for each instruction set, and the best one for this machine.
#pragma once

#include <cstdint>

namespace npurt_kernels {

// Tiles as kernel.yaml has them; pointers are into the data memory of a core.
struct Kernels {
  void (*matmul_i8)(const void* a, const void* b, void* c);    // i32 C += i8 A · i8 B
  void (*matmul_i8_clear)(void* c);                            // C = 0
  void (*matmul_bf16)(const void* a, const void* b, void* c);  // f32 C += bf16 A · bf16 B
  void (*matmul_bf16_clear)(void* c);
  // One head's softmax attention, tile by tile: see attention/bf16/kernel.cc.
  void (*attention_bf16_begin)(void* out, void* top);
  void (*attention_bf16_maximum)(const void* q, const void* k, void* top, unsigned valid);
  void (*attention_bf16_add)(const void* q, const void* k, const void* v, void* out, const void* top, void* p, unsigned valid);
  // Rows of bf16: see layer_norm/bf16/kernel.cc, gelu/bf16/kernel.cc and softmax/bf16/kernel.cc.
  void (*layer_norm_bf16)(const void* x, const void* scale, void* y, unsigned rows, unsigned width, float share);
  void (*gelu_bf16)(const void* x, void* y, unsigned count);
  void (*softmax_bf16)(const void* x, void* y, unsigned rows, unsigned width);
  // The parts of a layer besides its products: see encoder_layer/bf16/kernel.cc.
  void (*encoder_layer_bf16_copy)(const void* from, void* to, unsigned words);
  void (*encoder_layer_bf16_finish)(const void* c, const void* bias, void* out);
  void (*encoder_layer_bf16_finish_f32)(const void* c, const void* bias, void* out, unsigned half);
  void (*encoder_layer_bf16_measure)(const void* row, void* found, unsigned width, float share);
  void (*encoder_layer_bf16_normalise)(const void* x, const void* found, void* out);
  void (*encoder_layer_bf16_begin)(void* sums, void* top, void* v);
  void (*encoder_layer_bf16_keys)(const void* rows, void* k);
  void (*encoder_layer_bf16_values)(const void* rows, void* v);
  void (*encoder_layer_bf16_maximum)(const void* q, const void* k, void* top, unsigned valid);
  void (*encoder_layer_bf16_add)(const void* q, const void* k, const void* v, void* sums, const void* top, void* p,
                                 unsigned valid);
  void (*encoder_layer_bf16_divide)(const void* sums, void* out, unsigned half);
};

namespace base {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}

// All give the same bits.
const Kernels& kernels();

}  // namespace npurt_kernels
