#include "audio.hpp"

#include <omp.h>

#include <algorithm>

namespace decoder {

AudioCache::AudioCache(const Facts& f)
    : rows_(f.audio_ctx), padded_((f.audio_ctx + 15) / 16 * 16), state_(f.state), heads_(f.heads) {
  const auto rows = static_cast<size_t>(padded_), state = static_cast<size_t>(state_);
  by_row_ = memory<int8_t>(rows * state);
  by_column_ = memory<int8_t>(rows * state);
  row_offsets_.resize(rows);
  column_offsets_.resize(static_cast<size_t>(parts(f)) * state);
  column_sums_.resize(column_offsets_.size());
  scales_.resize(rows);
  zeros_.resize(std::max(rows, state));
  ones_.assign(state, 1);
}

AudioCache::Scratch::Scratch(const Facts& f) {
  const auto heads = static_cast<size_t>(f.heads), state = static_cast<size_t>(f.state);
  scores.resize(heads * kPart);
  weights.resize(heads * kPart + 2 * state);
  scales.resize(heads);
  sums.resize(heads * state + 3 * state);
}

void AudioCache::fill(const float* encoder, int8_t* levels, int threads) {
  const Kernels& k = kernels();
  const auto state = static_cast<size_t>(state_);
#pragma omp parallel for num_threads(threads)
  for (int first = 0; first < padded_; first += kPart) {
    const int count = std::min(kPart, padded_ - first), used = std::min(count, rows_ - first);
    int8_t* const own = levels + static_cast<size_t>(omp_get_thread_num() * kPart) * state;
    for (int t = 0; t < used; ++t) {
      auto* to = reinterpret_cast<uint8_t*>(own + static_cast<size_t>(t) * state);
      scales_[static_cast<size_t>(first + t)] = k.quantise(encoder + static_cast<size_t>(first + t) * state, state_, to);
      for (int j = 0; j < state_; ++j) to[j] ^= 0x80;
    }
    std::fill(own + static_cast<size_t>(used) * state, own + static_cast<size_t>(count) * state, int8_t{0});
    for (int t = 0; t < count; t += 16) {
      const auto at = static_cast<size_t>(first + t);
      k.pack_i8(own + static_cast<size_t>(t) * state, 16, state_, &by_row_[at * state], &row_offsets_[at]);
    }
    const size_t columns = static_cast<size_t>(first / kPart) * state;
    k.pack_columns_i8(own, count, state_, &by_column_[static_cast<size_t>(first) * state], &column_offsets_[columns]);
    for (size_t j = columns; j < columns + state; ++j) column_sums_[j] = static_cast<float>(column_offsets_[j]) / -128;
  }
}

void AudioCache::attend(int part, const uint8_t* queries, const float* query_scales, Scratch& s, const Found& found) const {
  const int first = part * kPart, count = std::min(kPart, padded_ - first), used = std::min(count, rows_ - first);
  const auto at = static_cast<size_t>(first), state = static_cast<size_t>(state_);
  const PackedRows rows = {&by_row_[at * state], &row_offsets_[at], &scales_[at], zeros_.data(), count, state_};
  const PackedRows columns = {
      &by_column_[at * state], &column_offsets_[static_cast<size_t>(part) * state], ones_.data(), zeros_.data(), state_, count};
  const Kernels& k = kernels();
  k.rows_i8(rows, 0, count / 16, queries, query_scales, heads_, s.scores.data(), kPart);
  for (int h = 0; h < heads_; ++h) {
    float* scores = &s.scores[static_cast<size_t>(h * kPart)];
    found.total[h] = k.exponentials(scores, used, &found.top[h]);
    std::fill(scores + used, scores + count, 0.0F);
    s.scales[static_cast<size_t>(h)] = k.weigh(scores, &scales_[at], count, &s.weights[static_cast<size_t>(h * count)]);
  }
  // rows_i8 takes 128 off every weight's byte, of which 1 is right.
  k.rows_i8(columns, 0, state_ / 16, s.weights.data(), s.scales.data(), heads_, found.sums, state_);
  for (int h = 0; h < heads_; ++h)
    k.add_scaled(&column_sums_[static_cast<size_t>(part) * state], 127 * s.scales[static_cast<size_t>(h)], state_,
                 found.sums + static_cast<size_t>(h) * state);
}

}  // namespace decoder
