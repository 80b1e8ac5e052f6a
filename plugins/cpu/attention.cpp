#include <cmath>

#include "onednn.hpp"
#include "stages.hpp"

namespace npurt_cpu {
namespace {

// Scores of a block stay in the L2 cache: 96 rows of 1500 are 576 KB.
constexpr int64_t kBlock = 96;

}  // namespace

void Attention::plan(npurt::Host host, npurt::Specs in, npurt::Outs out) {
  isa();
  int64_t width = in[0].dims[1], heads = static_cast<int64_t>(host.number("heads", 1, 1, 4096));
  if (in[0].dims[0] == NPURT_UNKNOWN || width == NPURT_UNKNOWN) throw npurt::Refuse("needs a known length");
  if (width % (3 * heads))
    throw npurt::BadConfig("qkv has rows of " + std::to_string(width) + ", which is not 3 times " + std::to_string(heads) +
                           " heads");
  out[0] = npurt::Spec(NPURT_F32, {in[0].dims[0], width / 3});
}

Attention::Attention(npurt::Host host, npurt::Specs in)
    : length_(in[0].dims[0]),
      width_(in[0].dims[1] / 3),
      heads_(static_cast<int64_t>(host.number("heads", 1, 1, 4096))),
      threads_(host.threads()),
      blocks_(length_, kBlock, threads_) {}

void Attention::run(npurt::Call& call) {
  const float* qkv = call.in(0).data();
  float* out = call.out(0).data();
  int64_t stride = 3 * width_, head = width_ / heads_, row = (length_ + 15) / 16 * 16;
  auto scores = call.host().scratch<float>(static_cast<size_t>(threads_ * blocks_.height() * row));
  float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(head)));
  const Kernels& kernel = kernels();
  bool ok = true;
#pragma omp parallel for num_threads(threads_) schedule(static) reduction(&& : ok)
  for (int64_t i = 0; i < heads_ * blocks_.count(); ++i) {
    int64_t h = i / blocks_.count(), block = i % blocks_.count(), first = blocks_.first(block), rows = blocks_.rows(block);
    const float *q = qkv + first * stride + h * head, *k = qkv + width_ + h * head, *v = k + width_;
    float *s = scores.data() + omp_get_thread_num() * blocks_.height() * row, *y = out + first * width_ + h * head;
    ok = ok && sgemm(true, rows, length_, head, scale, q, stride, k, stride, s, row);
    float sums[kBlock + 16];
    for (int64_t r = 0; r < rows; ++r) sums[r] = kernel.exp_row(s + r * row, length_);
    ok = ok && sgemm(false, rows, head, length_, 1, s, row, v, stride, y, width_);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < head; ++j) y[r * width_ + j] /= sums[r];
  }
  if (!ok) throw npurt::Fault("oneDNN failed to multiply a block of attention");
}

}  // namespace npurt_cpu
