// The decoder's weights and facts, read once when the stage is opened.
#pragma once

#include <npurt/plugin.hpp>
#include <string>
#include <vector>

#include "kernels.hpp"
#include "memory.hpp"

namespace decoder {

// y = W x + b for [rows, cols] W, in f32 (row-major) or int8.
struct Linear {
  npurt::Weight<float> f32;
  const float* bias = nullptr;  // of f32; or null
  int64_t rows = 0, cols = 0;
  bool int8 = false;
  Memory<int8_t> packed;
  std::vector<int32_t> offset;
  std::vector<float> scale, biases;

  PackedRows i8() const { return {packed.get(), offset.data(), scale.data(), biases.data(), rows, cols}; }
  // Writes row r of W.
  void row(int64_t r, float* out) const;
};

struct Norm {
  const float *gamma = nullptr, *beta = nullptr;
};

struct Layer {
  Norm attn_ln, cross_ln, mlp_ln;
  Linear qkv, out, cross_query, cross_out, fc1, fc2;
  // If int8, for AudioCache: of each head, the key matrix turned, [heads * state, head size], which meets a query times
  // key_scale; and the value matrix, [state, state].
  Linear cross_key, cross_value;
  const float *key_scale = nullptr, *value_bias = nullptr;
};

struct Language {
  std::string code;
  int id;
};

// docs/models.md, "Config".
struct Facts {
  int vocab = 0, text_ctx = 0, state = 0, heads = 0, layers = 0, audio_ctx = 0;
  bool multilingual = false;
  int eot = 0, sot = 0, sot_prev = 0, no_speech = 0, no_timestamps = 0, timestamp_begin = 0, translate = 0, transcribe = 0;
  std::vector<int> suppress, suppress_begin;
  std::vector<Language> languages;
  // [layer, head] of the cross-attention that follows the audio; where the config names none, all of the upper half.
  std::vector<std::pair<int, int>> alignment_heads;
  int head_size() const { return state / heads; }
};

// Throws Refuse if the model is not a Whisper model.
Facts read_facts(const std::string& config, const std::string& model);

struct Model {
  Facts facts;
  Linear embedding;  // [vocab, state]; also the output projection
  const float* positions = nullptr;
  Norm ln;
  std::vector<Layer> layers;
  std::vector<std::string> tokens;  // raw bytes by id

  bool int8 = false;

  Model(npurt::Host host, bool int8);
};

}  // namespace decoder
