#include "launcher.hpp"

#include <cmath>
#include <cstring>
#include <map>

#include "../bf16.hpp"

namespace npurt_npu {
namespace {

// Blocks of the kernel: r x s of Q, s x t of K and V, r x t of sums.
constexpr uint64_t kR = 4, kS = 8, kT = 4;
constexpr float kScale = 0.125F;  // 1 / sqrt(64), exact in bf16

uint64_t in_blocks(uint64_t i, uint64_t j, uint64_t columns, uint64_t height, uint64_t width) {
  return ((i / height) * (columns / width) + j / width) * height * width + (i % height) * width + j % width;
}

}  // namespace

AttentionLauncher::AttentionLauncher(Device& device, const AttentionShape& shape)
    : shape_(shape),
      context_(device.context(attention_design(device.generation()))),
      workspace_(Workspace::of(*context_)),
      program_(context_->program(attention_instructions(device.generation(), shape))) {
  const Usage u = attention_usage(device.generation(), shape);
  work_ = {1, u.read, u.written, query_bytes(shape) + stream_bytes(shape) + sum_bytes(shape),
           launch_seconds(device.generation(), u) + dispatch_seconds(device.generation(), 1)};
}

void AttentionLauncher::pack_queries(const float* qkv, uint16_t* out) const {
  const uint64_t stride = 3 * kWidth * shape_.heads, rows = shape_.rounds() * 16 * kQueries;
  for (uint64_t h = 0; h < shape_.heads; ++h)
    for (uint64_t i = 0; i < rows; ++i) {
      uint16_t* piece = out + (h * rows + i) / kQueries * kQueries * kWidth;
      for (uint64_t d = 0; d < kWidth; ++d)
        piece[in_blocks(i % kQueries, d, kWidth, kR, kS)] =
            i < shape_.length ? bf16_of(kScale * qkv[i * stride + h * kWidth + d]) : 0;
    }
}

void AttentionLauncher::pack_keys_and_values(const float* qkv, uint16_t* out) const {
  const uint64_t all = kWidth * shape_.heads, stride = 3 * all, tiles = shape_.key_tiles(), piece = kKeys * kValues;
  for (uint64_t h = 0; h < shape_.heads; ++h)
    for (uint64_t tile = 0; tile < tiles; ++tile) {
      uint16_t* first = out + (h * 3 * tiles + tile) * piece;
      uint16_t* keys = out + (h * 3 * tiles + tiles + 2 * tile) * piece;
      uint16_t* values = keys + piece;
      std::memset(keys, 0, 2 * piece * sizeof *keys);
      for (uint64_t i = 0; i < kKeys; ++i) {
        values[in_blocks(i, kWidth, kValues, kS, kT)] = bf16_of(1);
        if (tile * kKeys + i >= shape_.length) continue;
        const float* row = qkv + (tile * kKeys + i) * stride + h * kWidth;
        for (uint64_t d = 0; d < kWidth; ++d) {
          keys[in_blocks(d, i, kKeys, kS, kT)] = bf16_of(row[all + d]);
          values[in_blocks(i, d, kValues, kS, kT)] = bf16_of(row[2 * all + d]);
        }
      }
      std::memcpy(first, keys, piece * sizeof *keys);
    }
}

void AttentionLauncher::unpack(const float* sums, float* y) const {
  const uint64_t rows = shape_.rounds() * 16 * kQueries;
  for (uint64_t h = 0; h < shape_.heads; ++h)
    for (uint64_t i = 0; i < shape_.length; ++i) {
      const float* piece = sums + (h * rows + i) / kQueries * kQueries * kValues;
      auto at = [&](uint64_t d) { return piece[in_blocks(i % kQueries, d, kValues, kR, kT)]; };
      for (uint64_t d = 0; d < kWidth; ++d) y[i * kWidth * shape_.heads + h * kWidth + d] = at(d) / at(kWidth);
    }
}

Outcome AttentionLauncher::run(const float* qkv, float* y) {
  const std::lock_guard lock(workspace_->mutex);
  Buffer& q = workspace_->at(*context_, 0, query_bytes(shape_));
  Buffer& stream = workspace_->at(*context_, 1, stream_bytes(shape_));
  Buffer& sums = workspace_->at(*context_, 2, sum_bytes(shape_));
  pack_queries(qkv, reinterpret_cast<uint16_t*>(q.map().data()));
  pack_keys_and_values(qkv, reinterpret_cast<uint16_t*>(stream.map().data()));
  q.to_device();
  stream.to_device();
  const Launch launch{program_.get(), {&q, &stream, &sums}};
  const Outcome outcome = context_->run({&launch, 1}, deadline());
  sums.from_device();
  unpack(reinterpret_cast<const float*>(sums.map().data()), y);
  return outcome;
}

void attend_row(const AttentionShape& s, const float* qkv, uint64_t head, uint64_t row, double* out) {
  const uint64_t all = kWidth * s.heads, stride = 3 * all;
  const float* q = qkv + row * stride + head * kWidth;
  std::vector<double> score(s.length);
  double top = -1e300, sum = 0;
  for (uint64_t i = 0; i < s.length; ++i) {
    const float* k = qkv + i * stride + all + head * kWidth;
    for (uint64_t d = 0; d < kWidth; ++d) score[i] += static_cast<double>(q[d]) * k[d] * kScale;
    top = std::max(top, score[i]);
  }
  std::fill(out, out + kWidth, 0.0);
  for (uint64_t i = 0; i < s.length; ++i) {
    const float* v = qkv + i * stride + 2 * all + head * kWidth;
    const double p = std::exp(score[i] - top);
    sum += p;
    for (uint64_t d = 0; d < kWidth; ++d) out[d] += p * v[d];
  }
  for (uint64_t d = 0; d < kWidth; ++d) out[d] /= sum;
}

void attention_self_test(Device& device) {
  static std::mutex mutex;
  static std::map<const Device*, std::string> known;
  const std::lock_guard lock(mutex);
  auto it = known.find(&device);
  if (it == known.end()) {
    const AttentionShape s{1, 76};  // two tiles of keys, the second one short
    std::vector<float> qkv(s.length * 3 * kWidth), y(s.length * kWidth);
    for (size_t i = 0; i < qkv.size(); ++i) qkv[i] = static_cast<float>(i * 2654435761U >> 20 & 4095) / 1024 - 2;
    AttentionLauncher(device, s).run(qkv.data(), y.data());
    uint64_t wrong = 0, zeros = 0, nans = 0;
    for (uint64_t i = 0; i < s.length; ++i) {
      double want[kWidth];
      attend_row(s, qkv.data(), 0, i, want);
      for (uint64_t d = 0; d < kWidth; ++d) {
        const float got = y[i * kWidth + d];
        nans += std::isnan(got);
        zeros += got == 0;
        wrong += !(std::fabs(got - want[d]) <= 0.04);
      }
    }
    // The sums of zeros are divided by their zero.
    const bool nothing = zeros + nans == y.size();
    it = known
             .emplace(&device, wrong == 0 ? ""
                               : nothing  ? "gave only zeros or NaN"
                                          : "gave " + std::to_string(wrong) + " wrong values of " + std::to_string(y.size()))
             .first;
  }
  if (!it->second.empty()) throw DeviceError("self-test of attention bf16 on " + device.name() + " " + it->second);
}

}  // namespace npurt_npu
