#include "search.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace decoder {

namespace {
constexpr int kPromptRows = 4;  // tokens of a prompt that go together: so many that most prompts are one step
}  // namespace

Search::Search(const Model& model, int sequences, int threads)
    : model_(model), threads_(threads), step_(model, kPromptRows * sequences, threads) {
  for (int i = 0; i < sequences; ++i) caches_.emplace_back(model.facts, !model.int8);
  rows_.reserve(static_cast<size_t>(step_.most_rows()));
}

std::vector<float> Search::languages(const WindowCache& window) {
  step_.run({{model_.facts.sot, 0, &caches_[0], &window, true}});
  const float* logits = step_.logits(0);
  std::vector<float> p;
  float top = kNever, sum = 0;
  for (const Language& l : model_.facts.languages) top = std::max(top, logits[l.id]);
  for (const Language& l : model_.facts.languages) sum += p.emplace_back(std::exp(logits[l.id] - top));
  for (float& x : p) x /= sum;
  return p;
}

std::vector<float> Search::listen(const WindowCache& window, const std::vector<int>& tokens) {
  const size_t each = model_.facts.alignment_heads.size() * static_cast<size_t>(model_.facts.audio_ctx);
  std::vector<float> heard(tokens.size() * each);
  for (size_t i = 0; i < tokens.size();) {
    rows_.clear();
    for (; i < tokens.size() && rows_.size() < static_cast<size_t>(step_.most_rows()); ++i)
      rows_.push_back({tokens[i], static_cast<int>(i), &caches_[0], &window, false, heard.data() + i * each});
    step_.run(rows_);
  }
  return heard;
}

// Runs the newest token of every live sequence (first: the whole prompt) and leaves their logits in step_.
void Search::advance(std::vector<Sequence>& live, const std::vector<const WindowCache*>& windows, const std::vector<int>& prompt,
                     bool first, const SearchOptions& options, std::vector<Found>& found) {
  const Facts& f = model_.facts;
  auto token_at = [&](const Sequence& s, size_t i) { return i < prompt.size() ? prompt[i] : s.made[i - prompt.size()]; };
  const size_t end = prompt.size() + live[0].made.size();  // of all: they grow together
  const size_t most = options.cache ? std::max<size_t>(1, static_cast<size_t>(step_.most_rows()) / live.size()) : 1;
  for (size_t i = first || !options.cache ? 0 : end - 1; i < end;) {
    const size_t from = i, to = std::min(end, i + most);
    rows_.clear();
    for (Sequence& s : live)
      for (i = from; i < to; ++i)
        rows_.push_back(
            {token_at(s, i), static_cast<int>(i), s.self, windows[s.window], i + 1 == end || (first && prompt[i] == f.sot)});
    step_.run(rows_);
    for (size_t r = 0; r < rows_.size(); ++r) {
      Sequence& s = live[r / (to - from)];
      if (!rows_[r].logits) continue;
      s.logits = step_.logits(r);
      if (!first || rows_[r].token != f.sot) continue;
      float top = 0, log_sum = 0;
      kernels().log_sum_exp(s.logits, f.vocab, &top, &log_sum);
      found[s.window].no_speech = std::exp(s.logits[f.no_speech] - top - log_sum);
    }
  }
}

// Beam search with patience 1 (openai/whisper decoding.py, BeamSearchDecoder): of each window's beams and their likeliest next
// tokens, the best `beam` unfinished go on. A window is done when as many have ended.
void Search::widen(std::vector<Sequence>& live, std::vector<std::vector<Done>>& done, size_t prompt, int beam) {
  const Facts& f = model_.facts;
  struct Next {
    size_t from;
    int token;
    double sum;
    float logprob;
  };
  std::vector<Sequence> after;
  std::vector<int> order(static_cast<size_t>(f.vocab));
  for (size_t a = 0; a < live.size();) {
    size_t b = a;
    std::vector<Next> next;
    for (; b < live.size() && live[b].window == live[a].window; ++b) {
      for (int i = 0; i < f.vocab; ++i) order[static_cast<size_t>(i)] = i;
      const float* l = live[b].logits;
      std::partial_sort(order.begin(), order.begin() + beam + 1, order.end(),
                        [l](int x, int y) { return l[x] != l[y] ? l[x] > l[y] : x < y; });
      for (int i = 0; i <= beam; ++i) {
        const int token = order[static_cast<size_t>(i)];
        const double logprob = static_cast<double>(l[token]) - live[b].top - live[b].log_sum;
        if (l[token] > kNever / 2) next.push_back({b, token, live[b].sum + logprob, static_cast<float>(logprob)});
      }
      if (live[b].made.empty()) break;  // all beams are still the same
    }
    for (; b < live.size() && live[b].window == live[a].window;) ++b;
    std::stable_sort(next.begin(), next.end(), [](const Next& x, const Next& y) { return x.sum > y.sum; });
    auto& finished = done[live[a].window];
    std::vector<Next> going;
    for (const Next& n : next) {
      if (going.size() == static_cast<size_t>(beam)) break;
      if (n.token == f.eot) {
        if (finished.size() < static_cast<size_t>(beam))
          finished.push_back({live[n.from].made, live[n.from].logprobs, n.sum, live[n.from].made.size() + 1});
      } else {
        going.push_back(n);
      }
    }
    if (finished.size() < static_cast<size_t>(beam)) {
      // A beam that goes on first keeps its own cache; its further children get the window's caches that no one needs.
      std::vector<SelfCache*> mine(going.size(), nullptr), spare;
      const auto taken = [&](const SelfCache* c) { return std::find(mine.begin(), mine.end(), c) != mine.end(); };
      for (size_t i = 0; i < going.size(); ++i)
        if (SelfCache* own = live[going[i].from].self; !taken(own)) mine[i] = own;
      for (int i = 0; i < beam; ++i)
        if (SelfCache* c = &caches_[live[a].window * static_cast<size_t>(beam) + static_cast<size_t>(i)]; !taken(c))
          spare.push_back(c);
      for (size_t i = 0; i < going.size(); ++i) {
        const Sequence& parent = live[going[i].from];
        Sequence s{parent.window, mine[i], parent.made, parent.logprobs, going[i].sum};
        if (!s.self) {
          s.self = spare.back();
          spare.pop_back();
          s.self->copy_from(*parent.self, static_cast<int>(prompt + parent.made.size()));
        }
        s.made.push_back(going[i].token);
        s.logprobs.push_back(going[i].logprob);
        after.push_back(std::move(s));
      }
    }
    a = b;
  }
  live = std::move(after);
}

std::vector<Found> Search::run(const std::vector<const WindowCache*>& windows, const std::vector<int>& prompt,
                               const SearchOptions& options, const std::function<bool()>& cancelled) {
  const Facts& f = model_.facts;
  const Rules rules(f, options.timestamps);
  const bool sampling = options.temperature > 0;
  const size_t each = static_cast<size_t>(sampling ? options.best_of : options.beam);
  const size_t most =
      static_cast<size_t>(std::max(0, std::min(options.most_tokens, f.text_ctx - static_cast<int>(prompt.size()))));
  std::vector<Found> found(windows.size());
  std::vector<std::vector<Done>> done(windows.size());
  std::vector<Sequence> live;
  std::vector<std::mt19937_64> random;
  for (size_t w = 0; w < windows.size(); ++w) {
    random.emplace_back(w < options.seeds.size() ? options.seeds[w] : 0);
    for (size_t i = 0; i < each; ++i) {
      live.push_back({w, &caches_[w * each + i]});
      live.back().made.reserve(most + 1);
      live.back().logprobs.reserve(most + 1);
    }
  }
  for (bool first = true; !live.empty(); first = false) {
    if (cancelled()) throw npurt::Cancelled();
    advance(live, windows, prompt, first, options, found);
    for (Sequence& s : live)
      if (sampling) s.draw = std::uniform_real_distribution<double>(0, 1)(random[s.window]);
#pragma omp parallel for num_threads(threads_) schedule(dynamic)
    for (size_t i = 0; i < live.size(); ++i) {
      Sequence& s = live[i];
      rules.apply(s.logits, s.made, s.window < options.heard.size() ? options.heard[s.window] : 0);
      kernels().log_sum_exp(s.logits, f.vocab, &s.top, &s.log_sum);
      s.next = static_cast<int>(sampling ? kernels().sample(s.logits, f.vocab, s.top, options.temperature, s.draw)
                                         : std::find(s.logits, s.logits + f.vocab - 1, s.top) - s.logits);
    }
    if (!sampling && options.beam > 1) {
      widen(live, done, prompt.size(), options.beam);
    } else {
      size_t kept = 0;
      for (size_t i = 0; i < live.size(); ++i) {
        Sequence& s = live[i];
        const float logprob = s.logits[s.next] - s.top - s.log_sum;
        s.sum += logprob;
        if (s.next == f.eot) {
          done[s.window].push_back({s.made, s.logprobs, s.sum, s.made.size() + 1});
        } else {
          s.made.push_back(s.next);
          s.logprobs.push_back(logprob);
          if (kept != i) live[kept] = std::move(s);
          ++kept;
        }
      }
      live.resize(kept);
    }
    for (size_t i = 0; i < live.size();)
      if (live[i].made.size() >= most) {
        done[live[i].window].push_back({live[i].made, live[i].logprobs, live[i].sum, live[i].made.size()});
        live.erase(live.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
  }
  for (size_t w = 0; w < windows.size(); ++w) {
    const Done* best = nullptr;
    auto mean = [](const Done& d) { return d.sum / static_cast<double>(std::max<size_t>(1, d.length)); };
    for (const Done& d : done[w])
      if (!best || mean(d) > mean(*best)) best = &d;
    if (best) {
      found[w].tokens = best->tokens;
      found[w].logprobs = best->logprobs;
      found[w].avg_logprob = mean(*best);
    }
  }
  return found;
}

}  // namespace decoder
