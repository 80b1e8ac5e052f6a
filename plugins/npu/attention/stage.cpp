#include <algorithm>
#include <cmath>
#include <manifests.hpp>
#include <npurt/plugin.hpp>

#include "../tell.hpp"
#include "launcher.hpp"

namespace npurt_npu {
namespace {

AttentionShape shape_of(npurt::Host host, npurt::Specs in) {
  const int64_t length = in[0].dims[0], width = in[0].dims[1], heads = static_cast<int64_t>(host.number("heads", 1, 1, 4096));
  if (length == NPURT_UNKNOWN || width == NPURT_UNKNOWN) throw npurt::Refuse("needs a known length");
  if (width % (3 * heads))
    throw npurt::BadConfig("qkv has rows of " + std::to_string(width) + ", which is not 3 times " + std::to_string(heads) +
                           " heads");
  if (width / (3 * heads) != static_cast<int64_t>(kWidth))
    throw npurt::Refuse("heads are " + std::to_string(width / (3 * heads)) + " wide; the kernel does 64");
  return {static_cast<uint64_t>(heads), static_cast<uint64_t>(length)};
}

}  // namespace

// Full self-attention over the rows of qkv [T, 3D] (q, k and v side by side, each `heads` heads wide):
// y = softmax(q·kᵀ / 8)·v for each head of 64. Vaswani et al. 2017, arXiv:1706.03762. One launch; the host packs and divides.
class Attention {
 public:
  static constexpr auto op = "attention";
  static constexpr auto kernel = npurt_kernels::manifest_attention_bf16::kernel;
  static constexpr auto signature = npurt_kernels::manifest_attention_bf16::signature;
  static constexpr auto device = "npu";

  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
    const AttentionShape s = shape_of(host, in);
    device_of(host);
    out[0] = npurt::Spec(NPURT_F32, {in[0].dims[0], static_cast<int64_t>(s.heads * kWidth)});
  }

  Attention(npurt::Host host, npurt::Specs in) try : shape_(shape_of(host, in)), launcher_(tested(device_of(host)), shape_) {
    tell_plan(host, launcher_.work(),
              "q, k and v: f32 rows to bf16 blocks of each head; y: f32 blocks to rows, divided by their sums");
  } catch (...) {
    refuse();
  }

  void run(npurt::Call& call) {
    const float* qkv = call.in(0).data();
    float* y = call.out(0).data();
    try {
      const Outcome o = launcher_.run(qkv, y);
      tell_run(call.host(), launcher_.work(), o);
    } catch (const DeviceError& e) {
      throw npurt::Fault(e.what());
    }
    check(qkv, y);
  }

 private:
  static Device& tested(Device& device) {
    attention_self_test(device);
    return device;
  }

  // Computes one row of every head again, another one at each run: the answer to a device that went wrong after its test.
  void check(const float* qkv, const float* y) {
    const uint64_t row = (turn_ += 7919) % shape_.length, all = shape_.heads * kWidth;
    for (uint64_t h = 0; h < shape_.heads; ++h) {
      double want[kWidth], most = 0;
      attend_row(shape_, qkv, h, row, want);
      for (double x : want) most = std::max(most, std::fabs(x));
      for (uint64_t d = 0; d < kWidth; ++d)
        if (!(std::fabs(y[row * all + h * kWidth + d] - want[d]) <= 0.05 * most + 1e-3))
          throw npurt::Fault("the NPU gave wrong attention");
    }
  }

  AttentionShape shape_;
  AttentionLauncher launcher_;
  uint64_t turn_ = 0;
};

}  // namespace npurt_npu

NPURT_PLUGIN("npu_attention", "1.0.0", npurt_npu::Attention)
