#include "encoder.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

namespace diarizer {

namespace {
constexpr int kBatch = 56;  // windows that share each read of the weights; a multiple of the kernels' rows
}

float dot(const float* a, const float* b, int n) {
  float s[8] = {};
  for (int i = 0; i < n; i += 8)
    for (int j = 0; j < 8; ++j) s[j] += a[i + j] * b[i + j];
  return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

void normalise(float* x, int n) {
  const float length = std::sqrt(dot(x, x, n));
  if (length > 0)
    for (int i = 0; i < n; ++i) x[i] /= length;
}

Encoder::Encoder(npurt::Host host) {
  auto matrix = [&](const std::string& name, int64_t rows, int64_t cols) {
    const auto w = host.weight<float>(name);
    if (w.rows != rows || w.cols != cols)
      throw npurt::BadConfig("model '" + host.option("model") + "': tensor '" + name +
                             "' does not have the shape of a GE2E encoder");
    return w.data;
  };
  for (int l = 0; l < 3; ++l) {
    const std::string end = "_l" + std::to_string(l);
    const int64_t in = l ? kEmbedding : kMels;
    Layer& layer = layers_[static_cast<size_t>(l)];
    constexpr long kGates = 4 * kEmbedding;
    const float *input = matrix("lstm.weight_ih" + end, kGates, in), *state = matrix("lstm.weight_hh" + end, kGates, kEmbedding);
    const float *a = matrix("lstm.bias_ih" + end, kGates, 1), *b = matrix("lstm.bias_hh" + end, kGates, 1);
    for (long i = 0; i < kGates; ++i) layer.bias.push_back(a[i] + b[i]);
    const bool bytes = kernels().product_i8;
    if (bytes) layer.state_bytes = PackedBytes(state, kGates, kEmbedding, layer.bias.data());
    else layer.state = Packed(state, kGates, kEmbedding);
    if (bytes && l) layer.input_bytes = PackedBytes(input, kGates, kEmbedding, layer.bias.data());
    else layer.input = Packed(input, kGates, in);
  }
  linear_ = Packed(matrix("linear.weight", kEmbedding, kEmbedding), kEmbedding, kEmbedding);
  const float* b = matrix("linear.bias", kEmbedding, 1);
  linear_bias_.assign(b, b + kEmbedding);
}

void Encoder::batch(const std::vector<float>& mel, float gain, const int64_t* centres, int n, float* out) const {
  constexpr size_t kState = static_cast<size_t>(kBatch) * kEmbedding;
  std::vector<float> x(static_cast<size_t>(kBatch) * kMels), gates(4 * kState), c(3 * kState), h(3 * kState);
  const bool bytes = kernels().product_i8;
  std::vector<uint8_t> state_bytes(bytes ? 3 * kState : 0, 128);
  const int64_t frames = static_cast<int64_t>(mel.size()) / kMels;
  for (int t = 0; t < kWindow; ++t) {
    for (int i = 0; i < n; ++i) {
      const int64_t at = centres[i] - kWindow / 2 + t;
      for (int m = 0; m < kMels; ++m)
        x[static_cast<size_t>(i * kMels + m)] = at < 0 || at >= frames ? 0 : gain * mel[static_cast<size_t>(at * kMels + m)];
    }
    for (size_t l = 0; l < 3; ++l) {
      const Layer& layer = layers_[l];
      float *cell = c.data() + l * kState, *state = h.data() + l * kState;
      for (int i = 0; i < n; ++i) std::copy(layer.bias.begin(), layer.bias.end(), gates.begin() + i * 4 * kEmbedding);
      uint8_t* own = state_bytes.data() + (bytes ? l * kState : 0);
      if (l == 0) layer.input.add(x.data(), n, kMels, gates.data(), 4 * kEmbedding);
      else if (bytes) layer.input_bytes.add(own - kState, n, kEmbedding, gates.data(), 4 * kEmbedding);
      else layer.input.add(state - kState, n, kEmbedding, gates.data(), 4 * kEmbedding);
      if (bytes) layer.state_bytes.add(own, n, kEmbedding, gates.data(), 4 * kEmbedding);
      else layer.state.add(state, n, kEmbedding, gates.data(), 4 * kEmbedding);
      for (int i = 0; i < n; ++i)
        kernels().lstm(gates.data() + i * 4 * kEmbedding, kEmbedding, cell + i * kEmbedding, state + i * kEmbedding);
      for (long i = 0; bytes && i < static_cast<long>(n) * kEmbedding; ++i) own[i] = PackedBytes::byte(state[i]);
    }
  }
  for (int i = 0; i < n; ++i) std::copy(linear_bias_.begin(), linear_bias_.end(), out + i * kEmbedding);
  linear_.add(h.data() + 2 * kState, n, kEmbedding, out, kEmbedding);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < kEmbedding; ++j) out[i * kEmbedding + j] = std::max(0.0F, out[i * kEmbedding + j]);
    normalise(out + i * kEmbedding);
  }
}

std::vector<float> Encoder::embed(npurt::Host host, const std::vector<float>& mel, float gain,
                                  const std::vector<int64_t>& centres, int threads) const {
  const int64_t n = static_cast<int64_t>(centres.size());
  std::vector<float> out(static_cast<size_t>(n * kEmbedding));
  std::atomic<bool> stop = false;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (int64_t first = 0; first < n; first += kBatch) {
    if (stop || host.cancelled()) {
      stop = true;
      continue;
    }
    batch(mel, gain, centres.data() + first, static_cast<int>(std::min<int64_t>(kBatch, n - first)),
          out.data() + first * kEmbedding);
  }
  if (stop) throw npurt::Cancelled();
  return out;
}

}  // namespace diarizer
