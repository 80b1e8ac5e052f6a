#include "step.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>

namespace decoder {

Step::Step(const Model& model, int rows, int threads) : model_(model), k_(kernels()), most_(rows), threads_(threads) {
  const Facts& f = model.facts;
  const auto m = static_cast<size_t>(rows), d = static_cast<size_t>(f.state), heads = m * static_cast<size_t>(f.heads);
  const auto widest = static_cast<size_t>(std::max<int64_t>(model.layers[0].fc1.rows, 3 * f.state));
  for (auto* v : {&x_, &y_, &attended_}) *v = memory<float>(m * d);
  wide_ = memory<float>(m * widest);
  logits_ = memory<float>(m * static_cast<size_t>(f.vocab));
  scale_.resize(m);
  slot_.resize(m);
  scores_.resize(static_cast<size_t>(threads * std::max(f.audio_ctx, f.text_ctx)));
  if (model.int8) {
    const size_t found = heads * static_cast<size_t>(AudioCache::parts(f));
    quantised_ = memory<uint8_t>(m * widest);
    queries_ = memory<uint8_t>(heads * d);
    query_scales_.resize(heads);
    sums_ = memory<float>(found * d);
    tops_.resize(found);
    totals_.resize(found);
    scratch_.assign(static_cast<size_t>(threads), AudioCache::Scratch(f));
  }
  aligned_.assign(static_cast<size_t>(f.layers * f.heads), -1);
  for (size_t i = 0; i < f.alignment_heads.size(); ++i) {
    const auto [layer, head] = f.alignment_heads[i];
    aligned_[static_cast<size_t>(layer * f.heads + head)] = static_cast<int>(i);
  }
}

// Makes row i of x ready for apply(), which reads it as bytes where the matrices are.
void Step::ready(int64_t i, const float* x, int64_t cols) {
  if (model_.int8) scale_[static_cast<size_t>(i)] = k_.quantise(x + i * cols, cols, quantised_.get() + i * cols);
}

// Adds row i of y_ to that row of the residual stream, and makes its norm ready, as row `to` of attended_.
void Step::advance(int64_t i, bool add, const Norm& n, int64_t to) {
  const int64_t d = model_.facts.state;
  float* x = x_.get() + i * d;
  if (add) k_.add_scaled(y_.get() + i * d, 1, d, x);
  k_.layer_norm(x, n.gamma, n.beta, d, attended_.get() + to * d);
  ready(to, attended_.get(), d);
}

// y = W x + b for m rows that are ready; `then` is called for each stretch of y as soon as it is there.
template <typename F>
void Step::apply(const Linear& l, const float* x, int64_t m, float* y, F then) {
  constexpr int64_t kChunk = 64;  // rows of W a thread takes at a time
  const int64_t chunks = (l.rows + kChunk - 1) / kChunk;
#pragma omp for schedule(static)
  for (int64_t c = 0; c < chunks; ++c) {
    const int64_t r = c * kChunk, n = std::min(kChunk, l.rows - r);
    if (model_.int8) {
      k_.rows_i8(l.i8(), r / 16, (r + n + 15) / 16, quantised_.get(), scale_.data(), m, y, l.rows);
    } else {
      k_.rows_f32(l.f32.data + r * l.cols, n, l.cols, x, m, y + r, l.rows);
      for (int64_t i = 0; l.bias && i < m; ++i) k_.add_scaled(l.bias + r, 1, n, y + i * l.rows + r);
    }
    for (int64_t i = 0; i < m; ++i) then(y + i * l.rows + r, n);
  }
}
void Step::apply(const Linear& l, const float* x, int64_t m, float* y) {
  apply(l, x, m, y, [](float*, int64_t) {});
}

float* Step::scores() { return scores_.data() + omp_get_thread_num() * std::max(model_.facts.audio_ctx, model_.facts.text_ctx); }

// Where row.heard wants to know what a head attends to; or null.
float* Step::heard_by(const Row& row, int layer, int head) const {
  const int place = aligned_[static_cast<size_t>(layer * model_.facts.heads + head)];
  return row.heard && place >= 0 ? row.heard + static_cast<int64_t>(place) * model_.facts.audio_ctx : nullptr;
}

void Step::attend_self(const std::vector<Row>& rows, int layer) {
  const Facts& f = model_.facts;
  const int width = f.head_size(), m = static_cast<int>(rows.size());
#pragma omp for schedule(static)
  for (int i = 0; i < m; ++i) {
    const Row& row = rows[static_cast<size_t>(i)];
    const float* keys = wide_.get() + static_cast<int64_t>(3 * i + 1) * f.state;
    row.self->put(layer, row.position, keys, keys + f.state);
  }
#pragma omp for schedule(static)
  for (int job = 0; job < m * f.heads; ++job) {
    const int i = job / f.heads, head = job % f.heads;
    const Row& row = rows[static_cast<size_t>(i)];
    row.self->attend(layer, head, row.position + 1, wide_.get() + static_cast<int64_t>(3 * i) * f.state + head * width, scores(),
                     attended_.get() + static_cast<int64_t>(i) * f.state + head * width);
  }
}

void Step::attend_exact(const std::vector<Row>& rows, int layer) {
  const Facts& f = model_.facts;
  const int width = f.head_size();
#pragma omp for schedule(static)
  for (int job = 0; job < static_cast<int>(rows.size()) * f.heads; ++job) {
    const Row& row = rows[static_cast<size_t>(job / f.heads)];
    const int head = job % f.heads;
    const int64_t at = static_cast<int64_t>(job) * width;
    row.window->exact->attend(layer, head, y_.get() + at, scores(), attended_.get() + at);
    if (float* heard = heard_by(row, layer, head)) std::copy_n(scores(), f.audio_ctx, heard);
  }
}

// The same over AudioCaches: each head's query becomes one over the encoder's rows, is met with each part of them, and what the
// parts gave together becomes values.
void Step::attend_audio(const std::vector<Row>& rows, int layer) {
  const Facts& f = model_.facts;
  const Layer& l = model_.layers[static_cast<size_t>(layer)];
  const int width = f.head_size(), heads = f.heads, parts = AudioCache::parts(f), m = static_cast<int>(rows.size());
  const int64_t d = f.state;
  const float scale = 1.0F / std::sqrt(static_cast<float>(width));
  const auto found = [&](int row, int part, int head) { return static_cast<int64_t>(row * parts + part) * heads + head; };
  AudioCache::Scratch& s = scratch_[static_cast<size_t>(omp_get_thread_num())];
#pragma omp for schedule(static)
  for (int job = 0; job < m * heads; ++job) {
    const int head = job % heads;
    const float *q = y_.get() + static_cast<int64_t>(job) * width, *by = l.key_scale + head * width;
    float* query = s.scores.data();
    for (int j = 0; j < width; ++j) query[j] = scale * q[j] * by[j];
    const float size = k_.quantise(query, width, s.weights.data());
    k_.rows_i8(l.cross_key.i8(), head * d / 16, (head + 1) * d / 16, s.weights.data(), &size, 1, s.sums.data(), 0);
    query_scales_[static_cast<size_t>(job)] = k_.quantise(s.sums.data() + head * d, d, queries_.get() + job * d);
  }
#pragma omp for schedule(static)
  for (int job = 0; job < m * parts; ++job) {
    const int i = job / parts, part = job % parts, first = part * AudioCache::kPart;
    const int64_t query = static_cast<int64_t>(i) * heads, at = found(i, part, 0);
    const Row& row = rows[static_cast<size_t>(i)];
    row.window->audio->attend(part, queries_.get() + query * d, query_scales_.data() + query, s,
                              {sums_.get() + at * d, tops_.data() + at, totals_.data() + at});
    for (int head = 0; row.heard && head < heads; ++head)
      if (float* heard = heard_by(row, layer, head))
        std::copy_n(s.scores.data() + head * AudioCache::kPart, std::min(AudioCache::kPart, f.audio_ctx - first), heard + first);
  }
#pragma omp for schedule(static)
  for (int job = 0; job < m * heads; ++job) {
    const int i = job / heads, head = job % heads;
    float top = tops_[static_cast<size_t>(found(i, 0, head))], total = 0;
    for (int part = 1; part < parts; ++part) top = std::max(top, tops_[static_cast<size_t>(found(i, part, head))]);
    float *sum = s.sums.data(), *values = sum + d;
    std::fill_n(sum, d, 0.0F);
    for (int part = 0; part < parts; ++part) {
      const int64_t at = found(i, part, head);
      const float by = std::exp(tops_[static_cast<size_t>(at)] - top);
      total += by * totals_[static_cast<size_t>(at)];
      k_.add_scaled(sums_.get() + at * d, by, d, sum);
      if (float* heard = heard_by(rows[static_cast<size_t>(i)], layer, head))
        for (int t = part * AudioCache::kPart; t < std::min((part + 1) * AudioCache::kPart, f.audio_ctx); ++t) heard[t] *= by;
    }
    const float low = k_.quantise_wide(sum, d, s.weights.data(), s.weights.data() + d) / total;
    const float scales[] = {254 * low, low};
    k_.rows_i8(l.cross_value.i8(), head * width / 16, (head + 1) * width / 16, s.weights.data(), scales, 2, values, d);
    for (int64_t j = head * width; j < (head + 1) * width; ++j)
      attended_[static_cast<size_t>(i * d + j)] = values[j] + values[d + j] + l.value_bias[j];
  }
}

void Step::run(const std::vector<Row>& rows) {
  const auto m = static_cast<int64_t>(rows.size());
  int64_t wanted = 0;
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i].logits) slot_[i] = static_cast<size_t>(wanted++);
      // One team for all of it: what each loop below shares out ends with a barrier, which costs less than a new team.
#pragma omp parallel num_threads(threads_)
  layers(rows, m, wanted);
}

void Step::layers(const std::vector<Row>& rows, int64_t m, int64_t wanted) {
  const Facts& f = model_.facts;
  const int64_t d = f.state;
  float *y = y_.get(), *attended = attended_.get(), *wide = wide_.get();
  const auto each_row = [m](auto&& work) {
#pragma omp for schedule(static)
    for (int64_t i = 0; i < m; ++i) work(i);
  };
  each_row([&](int64_t i) {
    const Row& row = rows[static_cast<size_t>(i)];
    model_.embedding.row(row.token, x_.get() + i * d);
    k_.add_scaled(model_.positions + row.position * d, 1, d, x_.get() + i * d);
  });
  for (int layer = 0; layer < f.layers; ++layer) {
    const Layer& l = model_.layers[static_cast<size_t>(layer)];
    each_row([&](int64_t i) { advance(i, layer > 0, l.attn_ln, i); });
    apply(l.qkv, attended, m, wide);
    attend_self(rows, layer);
    each_row([&](int64_t i) { ready(i, attended, d); });
    apply(l.out, attended, m, y);
    each_row([&](int64_t i) { advance(i, true, l.cross_ln, i); });
    apply(l.cross_query, attended, m, y);
    if (model_.int8) attend_audio(rows, layer);
    else attend_exact(rows, layer);
    each_row([&](int64_t i) { ready(i, attended, d); });
    apply(l.cross_out, attended, m, y);
    each_row([&](int64_t i) { advance(i, true, l.mlp_ln, i); });
    apply(l.fc1, attended, m, wide, [&](float* values, int64_t n) { k_.gelu(values, n); });
    each_row([&](int64_t i) { ready(i, wide, l.fc1.rows); });
    apply(l.fc2, wide, m, y);
  }
  if (!wanted) return;
  each_row([&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    if (rows[at].logits) advance(i, true, model_.ln, static_cast<int64_t>(slot_[at]));
  });
  apply(model_.embedding, attended, wanted, logits_.get());
}

}  // namespace decoder
