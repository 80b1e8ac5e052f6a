#include <algorithm>
#include <cmath>
#include <cstring>
#include <manifests.hpp>
#include <npurt/plugin.hpp>

#include "../tell.hpp"
#include "check.hpp"
#include "launcher.hpp"

namespace npurt_npu {
namespace {

LayerShape shape_of(npurt::Host host, npurt::Specs in) {
  if (in[0].dims[0] == NPURT_UNKNOWN || in[0].dims[1] == NPURT_UNKNOWN) throw npurt::Refuse("needs a known shape of x");
  return {static_cast<uint64_t>(in[0].dims[0]), static_cast<uint64_t>(in[0].dims[1]),
          static_cast<uint64_t>(host.number("heads", 1, 1, 4096))};
}

const float* values(npurt::Host host, const std::string& name, uint64_t rows, uint64_t columns) {
  const auto w = host.weight<float>(name);
  if (static_cast<uint64_t>(w.rows * w.cols) != rows * columns)
    throw npurt::BadConfig(name + " has " + std::to_string(w.rows * w.cols) + " values; a layer of that width has " +
                           std::to_string(rows * columns));
  return w.data;
}

LayerSource source_of(npurt::Host host, const LayerShape& s) {
  const std::string layer = host.option("layer") + ".";
  const auto products = layer_products(s);
  auto pair = [&](const char* name, uint64_t rows, uint64_t columns) {
    return LayerSource::Pair{values(host, layer + name + ".weight", rows, columns),
                             values(host, layer + name + ".bias", rows, 1)};
  };
  LayerSource source{pair("attn_ln", s.width, 1), pair("mlp_ln", s.width, 1), {}};
  const char* names[] = {"attn.qkv", "attn.out", "mlp.0", "mlp.2"};
  for (size_t i = 0; i < products.size(); ++i) source.products[i] = pair(names[i], products[i].n, products[i].k);
  return source;
}

Device& tested(Device& device) {
  layer_self_test(device);
  return device;
}

}  // namespace

// A whole pre-norm transformer layer, as graphs/blocks/encoder_layer.yaml has it node by node (Xiong et al. 2020,
// arXiv:2002.04745): x + attention(norm(x)), then x + mlp(norm(x)), with GELU, biases and heads of 64. Weights and what goes from
// part to part are bf16, sums f32. Options `model`, `layer` (where its weights are), `heads`. One list of launches.
class EncoderLayer {
 public:
  static constexpr auto op = "encoder_layer";
  static constexpr auto kernel = npurt_kernels::manifest_encoder_layer_bf16::kernel;
  static constexpr auto signature = npurt_kernels::manifest_encoder_layer_bf16::signature;
  static constexpr auto device = "npu";

  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
    if (host.option("precision", "auto") == "int8") throw npurt::Refuse("precision is int8");
    try {
      check_layer(shape_of(host, in));
    } catch (const LimitError& e) {
      throw npurt::Refuse(e.what());
    }
    device_of(host);
    out[0] = in[0];
  }

  EncoderLayer(npurt::Host host, npurt::Specs in) try
      : shape_(shape_of(host, in)), launcher_(tested(device_of(host)), shape_, source_of(host, shape_)) {
    tell_plan(host, launcher_.work(), "nothing: x and out are rows of f32 for the device too");
  } catch (...) {
    refuse();
  }

  void run(npurt::Call& call) {
    const float* x = call.in(0).data();
    const auto out = call.out(0);
    std::string wrong;
    try {
      const Outcome o = launcher_.run(x, [&](const LayerView& view) {
        wrong = wrong_part(shape_, view, x, (turn_ += 7919) % shape_.length);
        std::memcpy(out.data(), view.layer + LayerPlaces(shape_).out, out.size_bytes());
      });
      tell_run(call.host(), launcher_.work(), o);
    } catch (const DeviceError& e) {
      throw npurt::Fault(e.what());
    }
    if (!wrong.empty()) throw npurt::Fault("the NPU gave a wrong " + wrong);
    float poison = 0;
    for (float y : out) poison += y * 0.0F;  // NaN and Inf survive this
    if (poison != 0.0F) throw npurt::Fault("the layer holds NaN or Inf");
  }

 private:
  LayerShape shape_;
  LayerLauncher launcher_;
  uint64_t turn_ = 0;
};

}  // namespace npurt_npu

NPURT_PLUGIN("npu_layer", "1.0.0", npurt_npu::EncoderLayer)
