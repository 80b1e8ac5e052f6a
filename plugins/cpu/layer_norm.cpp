#include "stages.hpp"

namespace npurt_cpu {

void LayerNorm::plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
  isa();
  if (in[0].dims[0] == NPURT_UNKNOWN) throw npurt::Refuse("needs a known length of x");
  for (const char* name : {"weight", "bias"}) {
    npurt::Spec w = host.tensor(host.option(name).c_str(), 0).spec;
    if (w.count() != in[0].dims[1])
      throw npurt::BadConfig(host.option(name) + " has " + std::to_string(w.count()) + " values, but x has rows of " +
                             std::to_string(in[0].dims[1]));
  }
  out[0] = in[0];
}

LayerNorm::LayerNorm(npurt::Host host, npurt::Specs in)
    : rows_(in[0].dims[0]),
      width_(in[0].dims[1]),
      threads_(host.threads()),
      weight_(host.weight<float>(host.option("weight")).data),
      bias_(host.weight<float>(host.option("bias")).data) {}

void LayerNorm::run(npurt::Call& call) {
  const float* x = call.in(0).data();
  float* y = call.out(0).data();
  const Kernels& kernel = kernels();
#pragma omp parallel for num_threads(threads_) schedule(static)
  for (int64_t t = 0; t < rows_; ++t) kernel.layer_norm(x + t * width_, weight_, bias_, y + t * width_, width_, 1e-5F);
}

}  // namespace npurt_cpu
