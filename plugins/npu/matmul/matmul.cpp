#include <cmath>

#include "../self_test.hpp"
#include "../tell.hpp"
#include "common.hpp"

namespace npurt_npu {

Epilogue::Epilogue(npurt::Host host, int64_t n) {
  const std::string activation = host.option("activation", "");
  gelu = activation == "gelu";
  if (!gelu && !activation.empty()) throw npurt::BadConfig("option 'activation' is '" + activation + "'; wanted gelu");
  const std::string name = host.option("bias", "");
  if (name.empty()) return;
  const auto w = host.weight<float>(name);
  if (w.rows * w.cols != n)
    throw npurt::BadConfig(name + " has " + std::to_string(w.rows * w.cols) + " values, but the product has rows of " +
                           std::to_string(n));
  bias = w.data;
}

bool Epilogue::finish(float* y, const float* residual, int64_t n) const {
  float poison = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (bias) y[i] += bias[i];
    if (gelu) y[i] *= 0.5F + 0.5F * std::erf(y[i] * 0.70710678F);
    if (residual) y[i] += residual[i];
    poison += y[i] * 0.0F;  // NaN and Inf survive this
  }
  return poison == 0.0F;
}

void plan_matmul(npurt::Host host, npurt::Specs in, npurt::Outs out) {
  device_of(host);
  const std::string name = host.option("weight");
  const npurt_spec w = host.tensor(name.c_str(), 0).spec;
  if (w.rank != 2) throw npurt::BadConfig(name + " is not a matrix");
  if (in[0].dims[0] == NPURT_UNKNOWN || in[0].dims[1] == NPURT_UNKNOWN) throw npurt::Refuse("needs a known shape of a");
  if (in[0].dims[1] != w.dims[1])
    throw npurt::BadConfig(name + " has rows of " + std::to_string(w.dims[1]) + ", but a has rows of " +
                           std::to_string(in[0].dims[1]));
  Epilogue(host, w.dims[0]);
  out[0] = npurt::Spec(NPURT_F32, {in[0].dims[0], w.dims[0]});
}

Launcher open_launcher(npurt::Host host, const GemmTile& tile, int64_t m, int64_t k, int64_t n) {
  Device& device = device_of(host);
  try {
    self_test(device, tile);
    Launcher l(device, tile, {static_cast<uint64_t>(m), static_cast<uint64_t>(k), static_cast<uint64_t>(n)});
    tell_plan(host, l.work(),
              tile.in_bytes == 1 ? "a: f32 to i8, a scale for each row; c: i32 to f32" : "a: f32 to bf16; c: rows of f32");
    return l;
  } catch (...) {
    refuse();
  }
}

void launch(npurt::Host host, Launcher& launcher, const std::function<void(std::byte*)>& fill,
            const std::function<void(const std::byte*)>& use) {
  try {
    const Outcome o = launcher.run(fill, use);
    tell_run(host, launcher.work(), o);
  } catch (const DeviceError& e) {
    throw npurt::Fault(e.what());
  }
}

}  // namespace npurt_npu

NPURT_PLUGIN("npu_matmul", "1.0.0", npurt_npu::MatmulI8, npurt_npu::MatmulBf16)
