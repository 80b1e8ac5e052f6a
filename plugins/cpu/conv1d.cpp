#include <algorithm>

#include "kernels_bf16.hpp"
#include "onednn.hpp"
#include "stages.hpp"

namespace npurt_cpu {
namespace {

constexpr int64_t kBlock = 96;

int64_t stride_of(npurt::Host host) { return static_cast<int64_t>(host.number("stride", 1, 1, 64)); }

// n values of x as T; `out` holds them where T is not float.
const float* as_type(const float* x, int64_t /*n*/, float* /*out*/) { return x; }
const Bf16* as_type(const float* x, int64_t n, Bf16* out) {
  bf16::kernels.convert(x, n, 1, reinterpret_cast<uint16_t*>(out));
  return out;
}

}  // namespace

template <typename T>
void Conv1d<T>::plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
  isa();
  if constexpr (std::is_same_v<T, Bf16>) refuse_unless_bf16(host);
  const std::string name = host.option("weight");
  const npurt_spec w = host.tensor(name.c_str(), NPURT_F32).spec;
  if (w.rank != 3 || w.dims[2] % 2 == 0) throw npurt::BadConfig(name + " is not a convolution with an odd number of taps");
  if (in[0].dims[0] == NPURT_UNKNOWN) throw npurt::Refuse("needs a known length of x");
  if (w.dims[1] != in[0].dims[1])
    throw npurt::BadConfig(name + " takes " + std::to_string(w.dims[1]) + " channels, but x has " +
                           std::to_string(in[0].dims[1]));
  Epilogue(host, w.dims[0]);
  const int64_t length = (in[0].dims[0] - 1) / stride_of(host) + 1;
  if (host.has("add")) {
    const npurt_spec add = host.tensor(host.option("add").c_str(), NPURT_F32).spec;
    if (add.rank != 2 || add.dims[0] < length || add.dims[1] != w.dims[0])
      throw npurt::BadConfig(host.option("add") + " is not a table of at least [" + std::to_string(length) + "," +
                             std::to_string(w.dims[0]) + "]");
  }
  out[0] = npurt::Spec(NPURT_F32, {length, w.dims[0]});
}

template <typename T>
Conv1d<T>::Conv1d(npurt::Host host, npurt::Specs in)
    : length_(in[0].dims[0]),
      channels_(in[0].dims[1]),
      taps_(host.tensor(host.option("weight").c_str(), NPURT_F32).spec.dims[2]),
      stride_(stride_of(host)),
      n_(host.tensor(host.option("weight").c_str(), NPURT_F32).spec.dims[0]),
      threads_(host.threads()),
      blocks_((length_ - 1) / stride_ + 1, kBlock, threads_),
      epilogue_(host, n_) {
  const auto* w = static_cast<const float*>(host.tensor(host.option("weight").c_str(), NPURT_F32).data);
  std::vector<float> rows(static_cast<size_t>(n_ * taps_ * channels_));  // [N][tap][C], as gather lays x out
  for (int64_t n = 0; n < n_; ++n)
    for (int64_t c = 0; c < channels_; ++c)
      for (int64_t t = 0; t < taps_; ++t)
        rows[static_cast<size_t>((n * taps_ + t) * channels_ + c)] = w[(n * channels_ + c) * taps_ + t];
  std::vector<T> converted(std::is_same_v<T, float> ? 0 : rows.size());
  const T* taps = as_type(rows.data(), n_ * taps_ * channels_, converted.data());
  gemm_ = std::make_unique<Gemm<T, T, float>>(taps, n_, taps_ * channels_, blocks_.heights(), threads_);
  if (host.has("add")) add_ = static_cast<const float*>(host.tensor(host.option("add").c_str(), NPURT_F32).data);
}

template <typename T>
Conv1d<T>::~Conv1d() = default;

template <typename T>
void Conv1d<T>::run(npurt::Call& call) {
  const float* x = call.in(0).data();
  float* y = call.out(0).data();
  const Kernels& kernel = kernels();
  const int64_t k = taps_ * channels_, held = std::is_same_v<T, float> ? 0 : length_ * channels_;
  T* const converted = call.host().scratch<T>(static_cast<size_t>(held + threads_ * blocks_.height() * k)).data();
  bool ok = true;
#pragma omp parallel num_threads(threads_) reduction(&& : ok)
  {
    const int64_t worker = omp_get_thread_num(), workers = omp_get_num_threads();
    const int64_t from = held * worker / workers, to = held * (worker + 1) / workers;
    if (to > from) as_type(x + from, to - from, converted + from);
    const T* input = as_type(x, 0, converted);
    T* const taps = converted + held + worker * blocks_.height() * k;
#pragma omp barrier
#pragma omp for schedule(static)
    for (int64_t b = 0; b < blocks_.count(); ++b) {
      const int64_t first = blocks_.first(b), rows = blocks_.rows(b);
      // The rows of x under the taps of an output, zero outside.
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t t = 0; t < taps_; ++t) {
          const int64_t at = (first + r) * stride_ + t - taps_ / 2;
          T* const to_row = taps + r * k + t * channels_;
          if (at < 0 || at >= length_) std::fill_n(to_row, channels_, T{});
          else std::copy_n(input + at * channels_, channels_, to_row);
        }
      ok = ok && gemm_->run(taps, rows, y + first * n_, static_cast<int>(worker));
      for (int64_t r = 0; r < rows; ++r) {
        float* out = y + (first + r) * n_;
        kernel.finish(out, epilogue_.bias, nullptr, n_, epilogue_.gelu);
        if (add_)
          for (int64_t j = 0; j < n_; ++j) out[j] += add_[(first + r) * n_ + j];
      }
    }
  }
  if (!ok) throw npurt::Fault("oneDNN failed to multiply");
}

template class Conv1d<float>;
template class Conv1d<Bf16>;

}  // namespace npurt_cpu
