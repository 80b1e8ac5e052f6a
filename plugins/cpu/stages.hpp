// The tensor stages of this plugin. Options that name weights are looked up in the node's `model`.
#pragma once

#include <cstdint>
#include <memory>
#include <npurt/plugin.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "blocks.hpp"
#include "isa.hpp"

namespace npurt_cpu {

template <typename A, typename W, typename C>
class Gemm;
struct Bf16Kernels;
enum class Bf16 : uint16_t;  // by its bits

// What follows a product, row by row: act(y + bias) + residual. From options `bias` (a vector; optional) and `activation`
// ("gelu" or absent).
struct Epilogue {
  Epilogue(npurt::Host host, int64_t n);
  const float* bias = nullptr;
  bool gelu = false;
};

// Option `precision`: f32, int8 or auto.
std::string precision_of(npurt::Host host);
// Of the kernels that multiply bf16: throws Refuse where `precision` is f32 or the processor does not.
void refuse_unless_bf16(npurt::Host host);

// Plans c [M,N] of a product with option `weight` as that dtype (another would be a copy of its own); refuses what does not fit.
void plan_matmul(npurt::Host host, npurt_dtype dtype, npurt::Specs in, npurt::Outs out);

// c = act(a·Wᵀ + bias) + residual. `weight` names W [N,K]; `bias` [N] and `activation: gelu` are optional. `precision`: int8
// takes the int8 kernel, f32 the f32 one, auto (the default) int8 where the processor multiplies 8 bits faster (VNNI, AMX).
//
// int8: W has one scale per row; each row of `a` is mapped to u8 as it comes (low + step·q), so nothing is calibrated.
class MatmulInt8 {
 public:
  static constexpr auto op = "matmul";
  static constexpr auto kernel = "int8";
  static constexpr auto signature = "a f32[M,K], residual? f32[M,N] -> c f32[M,N]";
  static constexpr auto device = "cpu";
  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  MatmulInt8(npurt::Host host, npurt::Specs in);
  ~MatmulInt8();
  void run(npurt::Call& call);

 private:
  int64_t k_, n_;
  int threads_, levels_;
  Blocks blocks_;
  Epilogue epilogue_;
  const float* scale_;
  std::vector<float> offset_, bias_;  // scale_ times the sums of W's rows; zeros where there is no bias
  std::unique_ptr<Gemm<uint8_t, int8_t, int32_t>> gemm_;
};

class MatmulF32 {
 public:
  static constexpr auto op = "matmul";
  static constexpr auto kernel = "f32";
  static constexpr auto signature = "a f32[M,K], residual? f32[M,N] -> c f32[M,N]";
  static constexpr auto device = "cpu";
  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  MatmulF32(npurt::Host host, npurt::Specs in);
  ~MatmulF32();
  void run(npurt::Call& call);

 private:
  int64_t k_, n_;
  int threads_;
  Blocks blocks_;
  Epilogue epilogue_;
  std::unique_ptr<Gemm<float, float, float>> gemm_;
};

// y[u] = act(Σ_j W[:,:,j]·x[u·stride + j - k/2] + bias) + add[u]; x is zero outside. `weight` names W [N,C,k], k odd; `bias` [N],
// `stride` (1), `activation: gelu` and `add` (a table [U,N]) are optional. T: the type in which x and W are multiplied, float or
// Bf16; sums are f32. bf16 is for `precision` int8 or auto, where the processor multiplies it.
template <typename T>
class Conv1d {
 public:
  static constexpr auto op = "conv1d";
  static constexpr auto kernel = std::is_same_v<T, float> ? "f32" : "bf16";
  static constexpr auto signature = "x f32[T,C] -> y f32[U,N]";
  static constexpr auto device = "cpu";
  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  Conv1d(npurt::Host host, npurt::Specs in);
  ~Conv1d();
  void run(npurt::Call& call);

 private:
  int64_t length_, channels_, taps_, stride_, n_;
  int threads_;
  Blocks blocks_;
  Epilogue epilogue_;
  const float* add_ = nullptr;
  std::unique_ptr<Gemm<T, T, float>> gemm_;
};
extern template class Conv1d<float>;
extern template class Conv1d<Bf16>;

// Over each row, with `weight` and `bias` [D]; eps 1e-5.
class LayerNorm {
 public:
  static constexpr auto op = "layer_norm";
  static constexpr auto signature = "x f32[T,D] -> y f32[T,D]";
  static constexpr auto device = "cpu";
  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  LayerNorm(npurt::Host host, npurt::Specs in);
  void run(npurt::Call& call);

 private:
  int64_t rows_, width_;
  int threads_;
  const float *weight_, *bias_;
};

// Full self-attention over the rows of qkv [T, 3D] (q, k and v side by side, each `heads` heads wide):
// y = softmax(q·kᵀ / sqrt(D/heads))·v for each head. Vaswani et al. 2017, arXiv:1706.03762.
class Attention {
 public:
  static constexpr auto op = "attention";
  static constexpr auto kernel = "f32";
  static constexpr auto signature = "qkv f32[T,E] -> y f32[T,D]";
  static constexpr auto device = "cpu";
  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  Attention(npurt::Host host, npurt::Specs in);
  void run(npurt::Call& call);

 private:
  int64_t length_, width_, heads_;
  int threads_;
  Blocks blocks_;
};

// The same with q, k, v and the weights of v rounded to bf16, summed in f32: for `precision` int8 or auto, where the processor
// multiplies bf16.
class AttentionBf16 {
 public:
  static constexpr auto op = "attention";
  static constexpr auto kernel = "bf16";
  static constexpr auto signature = "qkv f32[T,E] -> y f32[T,D]";
  static constexpr auto device = "cpu";
  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  AttentionBf16(npurt::Host host, npurt::Specs in);
  void run(npurt::Call& call);

 private:
  int64_t length_, padded_, width_, heads_;
  int threads_;
  const Bf16Kernels& kernels_;
};

// Whisper's features of 16 kHz audio [N], N a multiple of 160: time-major f32[N/160, mels]. Reflect-padded frames of 400 samples
// every 160, periodic Hann window, power, Slaney mel filters, log10 (at least 1e-10), at least the window's maximum - 8,
// then (x + 4) / 4. Radford et al. 2022, arXiv:2212.04356, section 2.2. `mels` is 80 or 128. Transformed in double.
class LogMel {
 public:
  static constexpr auto op = "log_mel";
  static constexpr auto signature = "audio f32[N%160] -> features f32[T,M]";
  static constexpr auto device = "cpu";
  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  LogMel(npurt::Host host, npurt::Specs in);
  void run(npurt::Call& call);

 private:
  float frames(const float* audio, int64_t first, float* out) const;
  struct Filter {
    int64_t first;
    std::vector<double> weight;
  };
  int64_t samples_, length_;
  int mels_, threads_;
  std::vector<double> hann_, roots_;
  std::vector<Filter> filters_;
};

}  // namespace npurt_cpu
