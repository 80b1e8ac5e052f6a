// The contract of every built-in op, one line each (language: docs/graph.md, "Signatures"). Plugins may add ops, never redefine
// one.
#include "ops.hpp"

namespace npurt {

const std::vector<std::string>& builtin_ops() {
  static const std::vector<std::string> ops = {
      // sources and sinks
      "audio_source: -> audio f32[S]@split",
      "transcript_sink: segments? json, turns? json@stream ->",
      // speech
      "speech_activity: audio f32[S] -> probability f32[F]",
      "speech_windows: audio f32[S], speech? f32[F] -> audio f32[N]@split, at json@split",
      "log_mel: audio f32[N] -> features f32[T,M]",
      "decode: encoder f32[T,D], at json -> segments json@split",
      // speakers
      "diarize: audio f32[S], speech f32[F] -> turns json@stream",
      "embed_speaker: audio f32[S], speech f32[F] -> voice json@stream",
      "assign_speakers: segments json, turns json@stream -> segments json",
      // tensors; weights are named by options (weight, bias)
      "conv1d: x f32[T,C] -> y f32[U,N]",
      "layer_norm: x f32[T,D] -> y f32[T,D]",
      "gelu: x f32[T,D] -> y f32[T,D]",
      "softmax: x f32[T,D] -> y f32[T,D]",
      "matmul: a f32|bf16|i8[M,K], residual? f32[M,N] -> c f32|bf16[M,N]",
      "attention: qkv f32[T,E] -> y f32[T,D]",
      // blocks that a stage may take whole: graphs/blocks
      "encoder_layer: x f32[T,D] -> out f32[T,D]",
  };
  return ops;
}

std::vector<std::string> op_signatures() { return builtin_ops(); }

}  // namespace npurt
