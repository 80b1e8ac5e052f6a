#include <algorithm>

#include "onednn.hpp"
#include "stages.hpp"

namespace npurt_cpu {
namespace {

constexpr int64_t kBlock = 96;

int64_t stride_of(npurt::Host host) { return static_cast<int64_t>(host.number("stride", 1, 1, 64)); }

}  // namespace

void Conv1d::plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
  isa();
  const std::string name = host.option("weight");
  const npurt_spec w = host.tensor(name.c_str(), 0).spec;
  if (w.rank != 3 || w.dims[2] % 2 == 0) throw npurt::BadConfig(name + " is not a convolution with an odd number of taps");
  if (in[0].dims[0] == NPURT_UNKNOWN) throw npurt::Refuse("needs a known length of x");
  if (w.dims[1] != in[0].dims[1])
    throw npurt::BadConfig(name + " takes " + std::to_string(w.dims[1]) + " channels, but x has " +
                           std::to_string(in[0].dims[1]));
  Epilogue(host, w.dims[0]);
  const int64_t length = (in[0].dims[0] - 1) / stride_of(host) + 1;
  if (host.has("add")) {
    const npurt_spec add = host.tensor(host.option("add").c_str(), 0).spec;
    if (add.rank != 2 || add.dims[0] < length || add.dims[1] != w.dims[0])
      throw npurt::BadConfig(host.option("add") + " is not a table of at least [" + std::to_string(length) + "," +
                             std::to_string(w.dims[0]) + "]");
  }
  out[0] = npurt::Spec(NPURT_F32, {length, w.dims[0]});
}

Conv1d::Conv1d(npurt::Host host, npurt::Specs in)
    : length_(in[0].dims[0]),
      channels_(in[0].dims[1]),
      taps_(host.tensor(host.option("weight").c_str(), 0).spec.dims[2]),
      stride_(stride_of(host)),
      n_(host.tensor(host.option("weight").c_str(), 0).spec.dims[0]),
      threads_(host.threads()),
      blocks_((length_ - 1) / stride_ + 1, kBlock, threads_),
      epilogue_(host, n_) {
  const auto* w = static_cast<const float*>(host.tensor(host.option("weight").c_str(), NPURT_F32).data);
  std::vector<float> rows(static_cast<size_t>(n_ * taps_ * channels_));  // [N][tap][C], as gather lays x out
  for (int64_t n = 0; n < n_; ++n)
    for (int64_t c = 0; c < channels_; ++c)
      for (int64_t t = 0; t < taps_; ++t)
        rows[static_cast<size_t>((n * taps_ + t) * channels_ + c)] = w[(n * channels_ + c) * taps_ + t];
  gemm_ = std::make_unique<Gemm<float, float, float>>(rows.data(), n_, taps_ * channels_, blocks_.heights(), threads_);
  if (host.has("add")) add_ = static_cast<const float*>(host.tensor(host.option("add").c_str(), NPURT_F32).data);
}

Conv1d::~Conv1d() = default;

// The rows of x under the taps of output u, zero outside.
void Conv1d::gather(const float* x, int64_t u, float* taps) const {
  for (int64_t t = 0; t < taps_; ++t) {
    const int64_t from = u * stride_ + t - taps_ / 2;
    if (from < 0 || from >= length_) std::fill_n(taps + t * channels_, channels_, 0.0F);
    else std::copy_n(x + from * channels_, channels_, taps + t * channels_);
  }
}

void Conv1d::run(npurt::Call& call) {
  const float* x = call.in(0).data();
  float* y = call.out(0).data();
  const Kernels& kernel = kernels();
  const int64_t k = taps_ * channels_;
  auto scratch = call.host().scratch<float>(static_cast<size_t>(threads_ * blocks_.height() * k));
  bool ok = true;
#pragma omp parallel for num_threads(threads_) schedule(static) reduction(&& : ok)
  for (int64_t b = 0; b < blocks_.count(); ++b) {
    const int64_t first = blocks_.first(b), rows = blocks_.rows(b);
    float* taps = scratch.data() + omp_get_thread_num() * blocks_.height() * k;
    for (int64_t r = 0; r < rows; ++r) gather(x, first + r, taps + r * k);
    ok = ok && gemm_->run(taps, rows, y + first * n_, omp_get_thread_num());
    for (int64_t r = 0; r < rows; ++r) {
      float* out = y + (first + r) * n_;
      kernel.finish(out, epilogue_.bias, nullptr, n_, epilogue_.gelu);
      if (add_)
        for (int64_t j = 0; j < n_; ++j) out[j] += add_[(first + r) * n_ + j];
    }
  }
  if (!ok) throw npurt::Fault("oneDNN failed to multiply");
}

}  // namespace npurt_cpu
