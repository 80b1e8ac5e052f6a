#include "step.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>

namespace decoder {

namespace {
// Scores of one query, rounded up as CrossCache::attend wants them.
int longest(const Facts& f) { return (std::max(f.audio_ctx, f.text_ctx) + 15) / 16 * 16; }
}  // namespace

Step::Step(const Model& model, int rows, int threads) : model_(model), k_(kernels()), most_(rows), threads_(threads) {
  const Facts& f = model.facts;
  const size_t m = static_cast<size_t>(rows), d = static_cast<size_t>(f.state);
  const size_t widest = static_cast<size_t>(std::max<int64_t>(model.layers[0].fc1.rows, 3 * f.state));
  for (auto* v : {&x_, &y_, &attended_}) v->resize(m * d);
  qkv_.resize(m * 3 * d);
  mlp_.resize(m * widest);
  logits_ = memory<float>(m * static_cast<size_t>(f.vocab));
  scores_.resize(static_cast<size_t>(threads) * static_cast<size_t>(longest(f)));
  scale_.resize(m);
  quantised_.resize(m * widest);
  slot_.resize(m);
  aligned_.assign(static_cast<size_t>(f.layers * f.heads), -1);
  for (size_t i = 0; i < f.alignment_heads.size(); ++i) {
    const auto [layer, head] = f.alignment_heads[i];
    aligned_[static_cast<size_t>(layer * f.heads + head)] = static_cast<int>(i);
  }
}

void Step::apply(const Linear& l, const float* x, int64_t m, float* y) {
  constexpr int64_t kChunk = 64;  // rows of W a thread takes at a time
  const int64_t chunks = (l.rows + kChunk - 1) / kChunk;
  if (l.int8)
    for (int64_t i = 0; i < m; ++i)
      scale_[static_cast<size_t>(i)] = k_.quantise(x + i * l.cols, l.cols, quantised_.data() + i * l.cols);
#pragma omp parallel for num_threads(threads_) schedule(static)
  for (int64_t c = 0; c < chunks; ++c) {
    const int64_t r = c * kChunk, n = std::min(kChunk, l.rows - r);
    if (l.int8) {
      k_.rows_i8(l.i8(), r / 16, (r + n + 15) / 16, quantised_.data(), scale_.data(), m, y, l.rows);
    } else {
      k_.rows_f32(l.f32.data + r * l.cols, n, l.cols, x, m, y + r, l.rows);
      for (int64_t i = 0; l.bias && i < m; ++i)
        for (int64_t j = 0; j < n; ++j) y[i * l.rows + r + j] += l.bias[r + j];
    }
  }
}

void Step::norm(const Norm& n, const float* x, int64_t m, float* y) {
  const int d = model_.facts.state;
  for (int64_t i = 0; i < m; ++i) k_.layer_norm(x + i * d, n.gamma, n.beta, d, y + i * d);
}

void Step::attend(const std::vector<Row>& rows, int layer, bool cross) {
  const Facts& f = model_.facts;
  const int width = f.head_size(), jobs = static_cast<int>(rows.size()) * f.heads;
  const int64_t stride = cross ? f.state : 3 * f.state;
#pragma omp parallel for num_threads(threads_) schedule(static)
  for (int job = 0; job < jobs; ++job) {
    const int i = job / f.heads, head = job % f.heads;
    const Row& row = rows[static_cast<size_t>(i)];
    float* scores = scores_.data() + static_cast<size_t>(omp_get_thread_num()) * static_cast<size_t>(longest(f));
    const float* q = (cross ? y_.data() : qkv_.data()) + i * stride + head * width;
    float* out = attended_.data() + static_cast<int64_t>(i) * f.state + head * width;
    if (!cross) {
      row.self->attend(layer, head, row.position + 1, q, scores, out);
      continue;
    }
    row.cross->attend(layer, head, q, scores, out);
    if (const int place = aligned_[static_cast<size_t>(layer * f.heads + head)]; row.heard && place >= 0)
      std::copy_n(scores, f.audio_ctx, row.heard + static_cast<int64_t>(place) * f.audio_ctx);
  }
}

void Step::run(const std::vector<Row>& rows) {
  const Facts& f = model_.facts;
  const int64_t m = static_cast<int64_t>(rows.size()), d = f.state;
  for (int64_t i = 0; i < m; ++i) {
    const Row& row = rows[static_cast<size_t>(i)];
    const float* position = model_.positions + row.position * d;
    float* x = x_.data() + i * d;
    model_.embedding.row(row.token, x);
    for (int64_t j = 0; j < d; ++j) x[j] += position[j];
  }
  auto add = [&](const std::vector<float>& y) {
    for (int64_t j = 0; j < m * d; ++j) x_[static_cast<size_t>(j)] += y[static_cast<size_t>(j)];
  };
  for (int layer = 0; layer < f.layers; ++layer) {
    const Layer& l = model_.layers[static_cast<size_t>(layer)];
    norm(l.attn_ln, x_.data(), m, y_.data());
    apply(l.qkv, y_.data(), m, qkv_.data());
    for (int64_t i = 0; i < m; ++i) {
      const Row& row = rows[static_cast<size_t>(i)];
      const float* qkv = qkv_.data() + i * 3 * d;
      row.self->put(layer, row.position, qkv + d, qkv + 2 * d);
    }
    attend(rows, layer, false);
    apply(l.out, attended_.data(), m, y_.data());
    add(y_);
    norm(l.cross_ln, x_.data(), m, attended_.data());
    apply(l.cross_query, attended_.data(), m, y_.data());
    attend(rows, layer, true);
    apply(l.cross_out, attended_.data(), m, y_.data());
    add(y_);
    norm(l.mlp_ln, x_.data(), m, y_.data());
    apply(l.fc1, y_.data(), m, mlp_.data());
    k_.gelu(mlp_.data(), m * l.fc1.rows);
    apply(l.fc2, mlp_.data(), m, y_.data());
    add(y_);
  }
  int64_t wanted = 0;
  for (int64_t i = 0; i < m; ++i)
    if (rows[static_cast<size_t>(i)].logits) {
      k_.layer_norm(x_.data() + i * d, model_.ln.gamma, model_.ln.beta, d, y_.data() + wanted * d);
      slot_[static_cast<size_t>(i)] = static_cast<size_t>(wanted++);
    }
  if (wanted) apply(model_.embedding, y_.data(), wanted, logits_.get());
}

}  // namespace decoder
