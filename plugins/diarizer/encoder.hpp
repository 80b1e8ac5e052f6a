// GE2E speaker encoder (Wan et al. 2018) as Resemblyzer trained it: three LSTM layers over 1.6 s of mel bands, the last state
// through a linear layer, ReLU and L2 norm.
#pragma once

#include <array>
#include <npurt/plugin.hpp>
#include <vector>

#include "mel.hpp"

namespace diarizer {

constexpr int kEmbedding = 256, kWindow = 160;  // numbers of an embedding, frames of a window

class Encoder {
 public:
  // Throws BadConfig if the model has other shapes.
  explicit Encoder(npurt::Host host);
  // Embeddings [centres, kEmbedding] of the windows around those frames of mel; zeros beyond its ends. Mel bands are scaled by
  // `gain` first. Throws Cancelled.
  std::vector<float> embed(npurt::Host host, const std::vector<float>& mel, float gain, const std::vector<int64_t>& centres,
                           int threads) const;

 private:
  // Where the processor multiplies bytes, all but the first layer's input are bytes: states lie between -1 and 1.
  struct Layer {
    Packed input, state;
    PackedBytes input_bytes, state_bytes;
    std::vector<float> bias;
  };
  void batch(const std::vector<float>& mel, float gain, const int64_t* centres, int n, float* out) const;

  std::array<Layer, 3> layers_;
  Packed linear_;
  std::vector<float> linear_bias_;
};

// Scales x to length 1; leaves zeros alone.
void normalise(float* x, int n = kEmbedding);
float dot(const float* a, const float* b, int n = kEmbedding);

}  // namespace diarizer
