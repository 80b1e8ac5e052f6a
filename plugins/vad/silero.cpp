#include "silero.hpp"

#include <algorithm>
#include <cmath>

namespace vad {

namespace {

constexpr int kPad = 64, kFft = 256, kHop = 128, kBins = 129, kState = 128;
constexpr int kFrames = (Silero::kContext + Silero::kWindow + kPad - kFft) / kHop + 1;  // 4
constexpr int kBatch = 16;  // steps that share each read of the weights

float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

}  // namespace

Silero::Conv Silero::conv(npurt::Host host, const std::string& name, int stride) {
  const npurt_tensor t = host.tensor(name + ".weight", NPURT_F32);
  if (t.spec.rank != 3 || t.spec.dims[2] != 3)
    throw npurt::BadConfig("tensor '" + name + ".weight' is not a convolution over 3 steps");
  Conv c;
  c.out = static_cast<int>(t.spec.dims[0]);
  c.in = static_cast<int>(t.spec.dims[1]);
  c.stride = stride;
  const auto* w = static_cast<const float*>(t.data);
  std::vector<float> weight(static_cast<size_t>(c.out * 3 * c.in));
  for (int o = 0; o < c.out; ++o)
    for (int i = 0; i < c.in; ++i)
      for (int k = 0; k < 3; ++k) weight[static_cast<size_t>((o * 3 + k) * c.in + i)] = w[(o * c.in + i) * 3 + k];
  c.rows = Rows(weight.data(), host.weight<float>(name + ".bias").data, c.out, 3 * c.in);
  return c;
}

Silero::Silero(npurt::Host host) : final_bias_(host.weight<float>("final_conv.bias").data), recurrent_(4 * kState) {
  const auto stft = host.weight<float>("stft_conv.weight"), ih = host.weight<float>("lstm_cell.weight_ih"),
             hh = host.weight<float>("lstm_cell.weight_hh"), last = host.weight<float>("final_conv.weight");
  for (auto [name, stride] : {std::pair{"conv1", 1}, {"conv2", 2}, {"conv3", 2}, {"conv4", 1}})
    convs_.push_back(conv(host, name, stride));
  const bool fits = stft.rows == 2 * kBins && stft.cols == kFft && ih.rows == 4 * kState && ih.cols == kState &&
                    hh.rows == 4 * kState && hh.cols == kState && last.rows == 1 && last.cols == kState &&
                    convs_[0].in == kBins && convs_[3].out == kState && convs_[1].in == convs_[0].out &&
                    convs_[2].in == convs_[1].out && convs_[3].in == convs_[2].out;
  if (!fits) throw npurt::BadConfig("model '" + host.option("model") + "' does not have the shapes of Silero VAD v6");
  stft_ = Rows(stft.data, nullptr, stft.rows, stft.cols);
  ih_ = Rows(ih.data, host.weight<float>("lstm_cell.bias_ih").data, ih.rows, ih.cols);
  hh_ = Rows(hh.data, host.weight<float>("lstm_cell.bias_hh").data, hh.rows, hh.cols);
  final_ = last.data;
  reset();
}

void Silero::reset() {
  h_.assign(kState, 0);
  c_.assign(kState, 0);
}

// Up to kBatch steps: spectrum, then the four convolutions; out is [steps][kState].
void Silero::features(const float* audio, int steps, float* out) const {
  thread_local std::vector<float> frames, spectrum, x, taps, y;
  frames.resize(static_cast<size_t>(steps * kFrames * kFft));
  spectrum.resize(static_cast<size_t>(steps * kFrames * 2 * kBins));
  constexpr int kSeen = kContext + kWindow;
  for (int s = 0; s < steps; ++s) {
    const float* in = audio + s * kWindow;
    for (int f = 0; f < kFrames; ++f)
      for (int i = 0; i < kFft; ++i) {
        const int at = f * kHop + i;  // past the end, the samples are mirrored
        frames[static_cast<size_t>((s * kFrames + f) * kFft + i)] = in[at < kSeen ? at : 2 * kSeen - 2 - at];
      }
  }
  stft_.multiply(frames.data(), steps * kFrames, spectrum.data());
  x.resize(static_cast<size_t>(steps * kFrames * kBins));
  for (int r = 0; r < steps * kFrames; ++r)
    for (int b = 0; b < kBins; ++b) {
      const float re = spectrum[static_cast<size_t>(r * 2 * kBins + b)],
                  im = spectrum[static_cast<size_t>(r * 2 * kBins + kBins + b)];
      x[static_cast<size_t>(r * kBins + b)] = std::sqrt(re * re + im * im);
    }
  int length = kFrames;
  for (const Conv& c : convs_) {
    const int made = (length - 1) / c.stride + 1;
    taps.assign(static_cast<size_t>(steps * made * 3 * c.in), 0.0F);
    for (int s = 0; s < steps; ++s)
      for (int t = 0; t < made; ++t)
        for (int k = 0; k < 3; ++k) {
          const int from = t * c.stride + k - 1;
          if (from >= 0 && from < length)
            std::copy_n(x.data() + (s * length + from) * c.in, c.in, taps.data() + ((s * made + t) * 3 + k) * c.in);
        }
    y.resize(static_cast<size_t>(steps * made * c.out));
    c.rows.multiply(taps.data(), steps * made, y.data());
    for (float& v : y) v = std::max(v, 0.0F);
    x.swap(y);
    length = made;
  }
  std::copy_n(x.data(), static_cast<size_t>(steps * kState), out);
}

void Silero::run(const float* audio, int steps, int threads, float* probability) {
  features_.resize(static_cast<size_t>(steps * kState));
  gates_.resize(static_cast<size_t>(steps * 4 * kState));
  const int batches = (steps + kBatch - 1) / kBatch;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int b = 0; b < batches; ++b) {
    const int first = b * kBatch, n = std::min(kBatch, steps - first);
    features(audio + first * kWindow, n, features_.data() + first * kState);
    ih_.multiply(features_.data() + first * kState, n, gates_.data() + first * 4 * kState);
  }
  for (int s = 0; s < steps; ++s) {
    hh_.multiply(h_.data(), 1, recurrent_.data());
    lstm(gates_.data() + s * 4 * kState, recurrent_.data(), kState, c_.data(), h_.data());
    float sum = final_bias_[0];
    for (int i = 0; i < kState; ++i) sum += final_[i] * std::max(h_[static_cast<size_t>(i)], 0.0F);
    probability[s] = sigmoid(sum);
  }
}

}  // namespace vad
