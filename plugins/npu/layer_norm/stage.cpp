#include <algorithm>
#include <cmath>
#include <manifests.hpp>
#include <map>
#include <npurt/plugin.hpp>

#include "../bf16.hpp"
#include "../tell.hpp"
#include "../virtual/cost.hpp"
#include "design.hpp"

namespace npurt_npu {
namespace {

// One launch of fixed shape.
class Launcher {
 public:
  Launcher(Device& device, const Rows& rows, const float* gamma, const float* beta)
      : rows_(rows),
        context_(device.context(layer_norm_design(device.generation()))),
        workspace_(Workspace::of(*context_)),
        scale_(context_->buffer(kScaleBytes)),
        program_(context_->program(layer_norm_instructions(device.generation(), rows))) {
    auto* s = reinterpret_cast<uint16_t*>(scale_->map().data());
    std::transform(gamma, gamma + rows.width, s, bf16_of);
    std::transform(beta, beta + rows.width, s + rows.width, bf16_of);
    scale_->to_device();
    const Usage u = layer_norm_usage(device.generation(), rows);
    work_ = {1, u.read, u.written, 2 * row_bytes(rows),
             launch_seconds(device.generation(), u) + dispatch_seconds(device.generation(), 1)};
  }
  const Work& work() const { return work_; }

  Outcome run(const float* x, float* y) {
    const std::lock_guard lock(workspace_->mutex);
    Buffer &in = workspace_->at(*context_, 0, row_bytes(rows_)), &out = workspace_->at(*context_, 1, row_bytes(rows_));
    each_row(in,
             [&](uint64_t i, uint16_t* row) { std::transform(x + i * rows_.width, x + (i + 1) * rows_.width, row, bf16_of); });
    in.to_device();
    const Launch launch{program_.get(), {&in, scale_.get(), &out}};
    const Outcome outcome = context_->run({&launch, 1}, deadline());
    out.from_device();
    each_row(out,
             [&](uint64_t i, const uint16_t* row) { std::transform(row, row + rows_.width, y + i * rows_.width, float_of); });
    return outcome;
  }

 private:
  template <typename F>
  void each_row(Buffer& buffer, F&& f) const {
    auto* all = reinterpret_cast<uint16_t*>(buffer.map().data());
    const uint64_t many = rows_.in_piece();
    for (uint64_t i = 0; i < rows_.count; ++i) f(i, all + i / many * (kRowPiece / 2) + i % many * rows_.width);
  }

  Rows rows_;
  std::shared_ptr<Context> context_;
  std::shared_ptr<Workspace> workspace_;
  std::unique_ptr<Buffer> scale_;
  std::unique_ptr<Program> program_;
  Work work_;
};

// Whether one row is right to the tolerance of bf16.
bool row_is_right(const float* x, const float* gamma, const float* beta, const float* y, int64_t width) {
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < width; ++i) mean += static_cast<double>(float_of(bf16_of(x[i]))) / static_cast<double>(width);
  for (int64_t i = 0; i < width; ++i) variance += std::pow(float_of(bf16_of(x[i])) - mean, 2) / static_cast<double>(width);
  for (int64_t i = 0; i < width; ++i) {
    const double n = (float_of(bf16_of(x[i])) - mean) / std::sqrt(variance + 1e-5), want = n * gamma[i] + beta[i];
    if (!(std::fabs(y[i] - want) <= 0.015 * (std::fabs(n * gamma[i]) + std::fabs(beta[i])) + 1e-6)) return false;
  }
  return true;
}

}  // namespace

// y = (x - mean) / sqrt(variance + 1e-5) · gamma + beta of each row, in bf16 (Ba et al. 2016, arXiv:1607.06450). Options `weight`
// (gamma) and `bias` (beta). One launch; the host rounds before and widens after.
class LayerNorm {
 public:
  static constexpr auto op = "layer_norm";
  static constexpr auto kernel = npurt_kernels::manifest_layer_norm_bf16::kernel;
  static constexpr auto signature = npurt_kernels::manifest_layer_norm_bf16::signature;
  static constexpr auto device = "npu";

  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
    device_of(host);
    if (in[0].dims[0] == NPURT_UNKNOWN || in[0].dims[1] == NPURT_UNKNOWN) throw npurt::Refuse("needs a known shape of x");
    if (in[0].dims[1] > npurt_kernels::manifest_layer_norm_bf16::most)
      throw npurt::Refuse("rows of " + std::to_string(in[0].dims[1]) + " values; a core takes up to " +
                          std::to_string(npurt_kernels::manifest_layer_norm_bf16::most));
    for (const char* name : {"weight", "bias"})
      if (host.weight<float>(host.option(name)).cols * host.weight<float>(host.option(name)).rows != in[0].dims[1])
        throw npurt::BadConfig(host.option(name) + " does not have " + std::to_string(in[0].dims[1]) + " values");
    out[0] = in[0];
  }

  LayerNorm(npurt::Host host, npurt::Specs in) try
      : count_(in[0].dims[0]),
        width_(in[0].dims[1]),
        gamma_(host.weight<float>(host.option("weight")).data),
        beta_(host.weight<float>(host.option("bias")).data),
        launcher_(device_of(host), {static_cast<uint64_t>(count_), static_cast<uint64_t>(width_)}, gamma_, beta_) {
    self_test();
    tell_plan(host, launcher_.work(), "x: f32 to bf16, whole rows in pieces; y: bf16 to f32");
  } catch (...) {
    refuse();
  }

  void run(npurt::Call& call) {
    const float* x = call.in(0).data();
    float* y = call.out(0).data();
    try {
      tell_run(call.host(), launcher_.work(), launcher_.run(x, y));
    } catch (const DeviceError& e) {
      throw npurt::Fault(e.what());
    }
    const int64_t row = (turn_ += 7919) % count_;
    if (!row_is_right(x + row * width_, gamma_, beta_, y + row * width_, width_))
      throw npurt::Fault("the NPU gave a wrong layer norm");
  }

 private:
  // The launch itself, on rows with a known answer.
  void self_test() {
    std::vector<float> x(static_cast<size_t>(count_ * width_)), y(x.size());
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 2654435761U >> 20 & 4095) / 512 - 3;
    launcher_.run(x.data(), y.data());
    int64_t wrong = 0;
    for (int64_t i = 0; i < count_; i += 1 + count_ / 16)
      wrong += !row_is_right(x.data() + i * width_, gamma_, beta_, y.data() + i * width_, width_);
    if (wrong) throw DeviceError("self-test of layer_norm bf16 gave " + std::to_string(wrong) + " wrong rows of 16");
  }

  int64_t count_, width_;
  const float *gamma_, *beta_;
  Launcher launcher_;
  int64_t turn_ = 0;
};

}  // namespace npurt_npu

NPURT_PLUGIN("npu_layer_norm", "1.0.0", npurt_npu::LayerNorm)
