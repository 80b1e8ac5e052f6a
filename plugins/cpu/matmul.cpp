// What the kernels of matmul, conv1d and attention have in common.
#include "stages.hpp"

namespace npurt_cpu {

Epilogue::Epilogue(npurt::Host host, int64_t n) {
  std::string activation = host.option("activation", "");
  gelu = activation == "gelu";
  if (!gelu && !activation.empty()) throw npurt::BadConfig("option 'activation' is '" + activation + "'; wanted gelu");
  std::string name = host.option("bias", "");
  if (name.empty()) return;
  auto w = host.weight<float>(name);
  if (w.rows * w.cols != n)
    throw npurt::BadConfig(name + " has " + std::to_string(w.rows * w.cols) + " values, but the product has rows of " +
                           std::to_string(n));
  bias = w.data;
}

std::string precision_of(npurt::Host host) {
  const std::string precision = host.option("precision", "auto");
  if (precision != "f32" && precision != "int8" && precision != "auto")
    throw npurt::BadConfig("option 'precision' is '" + precision + "'; wanted f32, int8 or auto");
  return precision;
}

void refuse_unless_bf16(npurt::Host host) {
  if (precision_of(host) == "f32") throw npurt::Refuse("precision is f32");
  if (isa() < Isa::bf16) throw npurt::Refuse("this processor does not multiply bf16 (AVX-512 BF16 or AMX)");
}

void plan_matmul(npurt::Host host, npurt_dtype dtype, npurt::Specs in, npurt::Outs out) {
  isa();
  const std::string name = host.option("weight");
  const npurt_spec w = host.tensor(name.c_str(), dtype).spec;
  if (w.rank != 2) throw npurt::BadConfig(name + " is not a matrix");
  if (in[0].dims[0] == NPURT_UNKNOWN || in[0].dims[1] == NPURT_UNKNOWN) throw npurt::Refuse("needs a known shape of a");
  if (in[0].dims[1] != w.dims[1])
    throw npurt::BadConfig(name + " has rows of " + std::to_string(w.dims[1]) + ", but a has rows of " +
                           std::to_string(in[0].dims[1]));
  Epilogue(host, w.dims[0]);
  out[0] = npurt::Spec(NPURT_F32, {in[0].dims[0], w.dims[0]});
}

}  // namespace npurt_cpu
