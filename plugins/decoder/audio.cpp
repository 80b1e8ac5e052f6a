#include "audio.hpp"

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

void AudioCache::fill(const float* encoder) {
#pragma omp parallel
  {
    std::vector<int8_t> levels(static_cast<size_t>(kPart * state_));
#pragma omp for
    for (int first = 0; first < padded_; first += kPart) {
      const int count = std::min(kPart, padded_ - first);
      std::fill(levels.begin(), levels.end(), int8_t{0});
      for (int t = 0; t < std::min(count, rows_ - first); ++t) {
        auto* to = reinterpret_cast<uint8_t*>(&levels[static_cast<size_t>(t * state_)]);
        scales_[static_cast<size_t>(first + t)] =
            kernels().quantise(encoder + static_cast<int64_t>(first + t) * state_, state_, to);
        for (int j = 0; j < state_; ++j) to[j] ^= 0x80;
      }
      for (int t = 0; t < count; t += 16) {
        const auto at = static_cast<size_t>(first + t);
        kernels().pack_i8(&levels[static_cast<size_t>(t * state_)], 16, state_, &by_row_[at * static_cast<size_t>(state_)],
                          &row_offsets_[at]);
      }
      kernels().pack_columns_i8(levels.data(), count, state_,
                                &by_column_[static_cast<size_t>(first) * static_cast<size_t>(state_)],
                                &column_offsets_[static_cast<size_t>(first / kPart * state_)]);
      for (int j = first / kPart * state_; j < (first / kPart + 1) * state_; ++j)
        column_sums_[static_cast<size_t>(j)] = static_cast<float>(column_offsets_[static_cast<size_t>(j)]) / -128;
    }
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
