#include "onednn.hpp"
#include "stages.hpp"

namespace npurt_cpu {
namespace {

// Rows whose product stays in the L2 cache until bias, GELU and residual are done.
constexpr int64_t kBlock = 96;

}  // namespace

void MatmulF32::plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
  if (precision_of(host) == "int8") throw npurt::Refuse("precision is int8");
  plan_matmul(host, NPURT_F32, in, out);
}

MatmulF32::MatmulF32(npurt::Host host, npurt::Specs in)
    : k_(in[0].dims[1]),
      n_(host.weight<float>(host.option("weight")).rows),
      threads_(host.threads()),
      blocks_(in[0].dims[0], kBlock, threads_),
      epilogue_(host, n_),
      gemm_(std::make_unique<Gemm<float, float, float>>(host.weight<float>(host.option("weight")).data, n_, k_, blocks_.heights(),
                                                        threads_)) {}

MatmulF32::~MatmulF32() = default;

void MatmulF32::run(npurt::Call& call) {
  const float* a = call.in(0).data();
  const float* residual = call.has(1) ? call.in(1).data() : nullptr;
  float* c = call.out(0).data();
  const Kernels& kernel = kernels();
  bool ok = true;
#pragma omp parallel for num_threads(threads_) schedule(static) reduction(&& : ok)
  for (int64_t b = 0; b < blocks_.count(); ++b) {
    const int64_t first = blocks_.first(b), rows = blocks_.rows(b);
    float* y = c + first * n_;
    ok = ok && gemm_->run(a + first * k_, rows, y, omp_get_thread_num());
    for (int64_t r = 0; r < rows; ++r)
      kernel.finish(y + r * n_, epilogue_.bias, residual ? residual + (first + r) * n_ : nullptr, n_, epilogue_.gelu);
  }
  if (!ok) throw npurt::Fault("oneDNN failed to multiply");
}

}  // namespace npurt_cpu
