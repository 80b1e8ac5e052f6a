#include <cmath>
#include <numeric>

#include "onednn.hpp"
#include "stages.hpp"

namespace npurt_cpu {
namespace {

// Rows whose quantised input and integer product stay in the L2 cache.
constexpr int64_t kBlock = 96;

}  // namespace

void MatmulInt8::plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
  const std::string precision = precision_of(host);
  if (precision == "f32") throw npurt::Refuse("precision is f32");
  if (precision == "auto" && isa() < Isa::avx2) throw npurt::Refuse("precision is auto, and this processor has no AVX2");
  plan_matmul(host, NPURT_I8, in, out);
}

MatmulInt8::MatmulInt8(npurt::Host host, npurt::Specs in)
    : k_(in[0].dims[1]),
      n_(host.weight<int8_t>(host.option("weight")).rows),
      threads_(host.threads()),
      blocks_(in[0].dims[0], kBlock, threads_),
      epilogue_(host, n_) {
  const auto w = host.weight<int8_t>(host.option("weight"));
  scale_ = w.scale;
  levels_ = activation_levels(w.data, n_, k_);
  for (int64_t r = 0; r < n_; ++r)
    offset_.push_back(scale_[r] * static_cast<float>(std::accumulate(w.data + r * k_, w.data + (r + 1) * k_, int64_t{0})));
  bias_.resize(static_cast<size_t>(n_));
  if (epilogue_.bias) bias_.assign(epilogue_.bias, epilogue_.bias + n_);
  gemm_ = std::make_unique<Gemm<uint8_t, int8_t, int32_t>>(w.data, n_, k_, blocks_.heights(), threads_);
}

MatmulInt8::~MatmulInt8() = default;

void MatmulInt8::run(npurt::Call& call) {
  const float* a = call.in(0).data();
  const float* residual = call.has(1) ? call.in(1).data() : nullptr;
  float* c = call.out(0).data();
  const Kernels& kernel = kernels();
  const int64_t most = blocks_.height();
  auto whole = [](int64_t bytes) { return static_cast<size_t>((bytes + 63) / 64 * 64); };
  const size_t q_bytes = whole(most * k_), acc_bytes = whole(most * n_ * 4),
               range_bytes = whole(most * static_cast<int64_t>(sizeof(Range)));
  const size_t each = q_bytes + acc_bytes + range_bytes;
  auto scratch = call.host().scratch<uint8_t>(each * static_cast<size_t>(threads_));
  bool ok = true, finite = true;
#pragma omp parallel for num_threads(threads_) schedule(static) reduction(&& : ok, finite)
  for (int64_t b = 0; b < blocks_.count(); ++b) {
    const int64_t first = blocks_.first(b), rows = blocks_.rows(b);
    uint8_t* q = scratch.data() + each * static_cast<size_t>(omp_get_thread_num());
    auto* acc = reinterpret_cast<int32_t*>(q + q_bytes);
    auto* range = reinterpret_cast<Range*>(q + q_bytes + acc_bytes);
    for (int64_t r = 0; r < rows; ++r) {
      range[r] = kernel.quantise(a + (first + r) * k_, q + r * k_, k_, levels_);
      finite = finite && std::isfinite(range[r].step);
    }
    ok = ok && gemm_->run(q, rows, acc, omp_get_thread_num());
    for (int64_t r = 0; r < rows; ++r)
      kernel.finish_int8(acc + r * n_, range[r], scale_, offset_.data(), bias_.data(),
                         residual ? residual + (first + r) * n_ : nullptr, c + (first + r) * n_, n_, epilogue_.gelu);
  }
  if (!finite) throw npurt::Fault("input a holds NaN or Inf, which int8 cannot carry");
  if (!ok) throw npurt::Fault("oneDNN failed to multiply");
}

}  // namespace npurt_cpu
