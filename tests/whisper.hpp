// Whisper models small enough to be made by a test, and the decode stage run on them.
#pragma once

#include <nlohmann/json.hpp>

#include "tensors.hpp"

namespace npurt_test {

// A multilingual vocabulary in miniature, laid out as Whisper's: ordinary tokens, end, start, languages, tasks, time.
struct Ids {
  static constexpr int ordinary = 40, eot = 40, sot = 41, language = 42, translate = 45, transcribe = 46, sot_lm = 47,
                       sot_prev = 48, no_speech = 49, no_timestamps = 50, time = 51, vocab = 127;
};

struct Whisper {
  int state = 24, heads = 3, layers = 2, audio_ctx = 75, text_ctx = 64;
  nlohmann::json config;
  Tensors tensors;
  std::vector<float> cross;  // [layers * 2 * state, state]: what makes keys and values of the encoder's output

  // Tokens 0…25 are letters; 26 "ab", 27 " a", 28 and 29 the halves of the euro sign, 30 a space, 31… digits.
  static std::vector<std::string> words() {
    std::vector<std::string> w;
    for (char c = 'a'; c <= 'z'; ++c) w.emplace_back(1, c);
    for (const char* s : {"ab", " a", "\xE2\x82", "\xAC", " "}) w.emplace_back(s);
    for (char c = '0'; c <= '8'; ++c) w.emplace_back(1, c);
    return w;
  }

  void describe(bool multilingual = true) {
    config = {{"kind", "whisper"},
              {"n_vocab", Ids::vocab},
              {"n_text_ctx", text_ctx},
              {"n_text_state", state},
              {"n_audio_state", state},
              {"n_text_head", heads},
              {"n_text_layer", layers},
              {"n_audio_ctx", audio_ctx},
              {"eot", Ids::eot},
              {"sot", Ids::sot},
              {"sot_prev", Ids::sot_prev},
              {"no_speech", Ids::no_speech},
              {"translate", Ids::translate},
              {"transcribe", Ids::transcribe},
              {"no_timestamps", Ids::no_timestamps},
              {"timestamp_begin", Ids::time},
              {"multilingual", multilingual},
              {"suppress", {3, 5}},
              {"suppress_begin", {30, Ids::eot}},
              {"languages", std::vector<std::pair<std::string, int>>{{"en", 42}, {"de", 43}, {"fr", 44}}}};
    std::vector<char> bytes;
    std::vector<int32_t> offsets = {0};
    for (const std::string& w : words()) {
      bytes.insert(bytes.end(), w.begin(), w.end());
      offsets.push_back(static_cast<int32_t>(bytes.size()));
    }
    tensors.put("vocab.bytes",
                Tensor::of(std::vector<uint8_t>(bytes.begin(), bytes.end()), {static_cast<int64_t>(bytes.size())}));
    tensors.put("vocab.offsets", Tensor::of(offsets, {static_cast<int64_t>(offsets.size())}));
  }
  static std::string block(int layer) { return "decoder.blocks." + std::to_string(layer) + "."; }
};

// Weights drawn at random, large enough that what is heard and said matters.
inline Whisper random_whisper(uint64_t seed, int state = 24, int heads = 3) {
  Whisper m;
  m.state = state;
  m.heads = heads;
  m.describe();
  m.config["suppress"].push_back(30);  // a segment of spaces would be left out
  Random random(seed);
  const int64_t d = m.state;
  const auto matrix = [&](const std::string& name, int64_t rows, int64_t cols, double size) {
    m.tensors.put(name + ".weight", random.normals(rows * cols, size), {rows, cols});
  };
  const auto linear = [&](const std::string& name, int64_t rows, int64_t cols, double size) {
    matrix(name, rows, cols, size);
    m.tensors.put(name + ".bias", random.normals(rows, 0.1), {rows});
  };
  const auto norm = [&](const std::string& name) {
    auto w = random.normals(d, 0.1);
    for (float& x : w) x += 1;
    m.tensors.put(name + ".weight", w, {d});
    m.tensors.put(name + ".bias", random.normals(d, 0.1), {d});
  };
  matrix("decoder.token_embedding", Ids::vocab, d, 0.6);
  m.tensors.put("decoder.positional_embedding", random.normals(m.text_ctx * d, 0.6), {m.text_ctx, d});
  norm("decoder.ln");
  for (int i = 0; i < m.layers; ++i) {
    const std::string b = Whisper::block(i);
    for (const char* name : {"attn_ln", "cross_attn_ln", "mlp_ln"}) norm(b + name);
    linear(b + "attn.qkv", 3 * d, d, 0.3);
    for (const char* name : {"attn.out", "cross_attn.query", "cross_attn.out"}) linear(b + name, d, d, 0.3);
    linear(b + "mlp.0", 4 * d, d, 0.3);
    linear(b + "mlp.2", d, 4 * d, 0.2);
  }
  m.cross = random.normals(static_cast<int64_t>(m.layers) * 2 * d * d, 0.4);
  for (int i = 0; i < m.layers; ++i) {
    const auto first = m.cross.begin() + static_cast<int64_t>(i) * 2 * d * d;
    m.tensors.put(Whisper::block(i) + "cross_attn.kv.weight", std::vector<float>(first, first + 2 * d * d), {2 * d, d});
    m.tensors.put(Whisper::block(i) + "cross_attn.kv.bias", std::vector<float>(static_cast<size_t>(2 * d)), {2 * d});
  }
  return m;
}

// A model that says, after position p, token t with a probability of about share[p][t], whatever it hears: no layer adds
// anything, and the positions alone decide.
using Shares = std::vector<std::map<int, double>>;
inline Whisper scripted_whisper(const Shares& shares, bool multilingual = true) {
  Whisper m;
  m.state = 128;  // one dim for each token
  m.heads = 2;
  m.layers = 1;
  m.text_ctx = 256;
  m.describe(multilingual);
  m.config["suppress"] = m.config["suppress_begin"] = nlohmann::json::array();
  const int64_t d = m.state;
  const auto zeros = [&](const std::string& name, std::vector<int64_t> dims) {
    int64_t n = 1;
    for (int64_t x : dims) n *= x;
    m.tensors.put(name, std::vector<float>(static_cast<size_t>(n)), std::move(dims));
  };
  // Norms divide by the deviation over all dims, so each row is given the same one: the last dim takes up what is left.
  std::vector<float> embedding(static_cast<size_t>(Ids::vocab * d)), positions(static_cast<size_t>(m.text_ctx * d));
  for (int t = 0; t < Ids::vocab; ++t) embedding[static_cast<size_t>(t * d + t)] = 1;
  constexpr double kSize = 1000, kFloor = -20;
  for (int p = 0; p < m.text_ctx; ++p) {
    const auto& share = shares[std::min<size_t>(static_cast<size_t>(p), shares.size() - 1)];
    double squares = 0;
    for (const auto& [token, part] : share) {
      const double lift = std::log(part) - kFloor;
      positions[static_cast<size_t>(p * d + token)] = static_cast<float>(kSize * lift);
      squares += lift * lift;
    }
    positions[static_cast<size_t>(p * d + d - 1)] = static_cast<float>(kSize * std::sqrt(std::max(0.0, 6400 - squares)));
  }
  m.tensors.put("decoder.token_embedding.weight", embedding, {Ids::vocab, d});
  m.tensors.put("decoder.positional_embedding", positions, {m.text_ctx, d});
  // A row's length is 80 * kSize, so its deviation is that / sqrt(d), less the little that its mean takes.
  m.tensors.put("decoder.ln.weight", std::vector<float>(static_cast<size_t>(d), static_cast<float>(80 / std::sqrt(d))), {d});
  zeros("decoder.ln.bias", {d});
  const std::string b = Whisper::block(0);
  for (const char* name : {"attn_ln", "cross_attn_ln", "mlp_ln"})
    for (const char* part : {".weight", ".bias"}) zeros(b + name + part, {d});
  for (const auto& [name, rows, cols] : std::vector<std::tuple<const char*, int64_t, int64_t>>{{"attn.qkv", 3 * d, d},
                                                                                               {"attn.out", d, d},
                                                                                               {"cross_attn.query", d, d},
                                                                                               {"cross_attn.out", d, d},
                                                                                               {"mlp.0", 4 * d, d},
                                                                                               {"mlp.2", d, 4 * d}}) {
    zeros(b + name + ".weight", {rows, cols});
    zeros(b + name + ".bias", {rows});
  }
  m.cross.assign(static_cast<size_t>(2 * d * d), 0);
  return m;
}

// Logits after the last of some tokens, in double and without any cache (Radford et al. 2022, section 2.2).
class PlainDecoder {
 public:
  PlainDecoder(const Whisper& model, const std::vector<float>& encoder) : m_(model), kv_(keys_and_values(model, encoder)) {}

  static std::vector<double> keys_and_values(const Whisper& m, const std::vector<float>& encoder) {
    const size_t d = static_cast<size_t>(m.state), wide = m.cross.size() / d;
    std::vector<double> kv;
    for (size_t t = 0; t < encoder.size() / d; ++t)
      for (size_t j = 0; j < wide; ++j) {
        double sum = 0;
        for (size_t i = 0; i < d; ++i) sum += static_cast<double>(encoder[t * d + i]) * m.cross[j * d + i];
        kv.push_back(sum);
      }
    return kv;
  }

  std::vector<double> logits(const std::vector<int>& tokens) const {
    const size_t d = static_cast<size_t>(m_.state), wide = m_.cross.size() / d;
    const auto& embedding = m_.tensors.f32("decoder.token_embedding.weight");
    const auto& positions = m_.tensors.f32("decoder.positional_embedding");
    std::vector<Row> x;
    for (size_t t = 0; t < tokens.size(); ++t)
      for (size_t j = 0; j < d; ++j) {
        if (j == 0) x.emplace_back(d);
        x[t][j] = static_cast<double>(embedding[static_cast<size_t>(tokens[t]) * d + j]) + positions[t * d + j];
      }
    for (int layer = 0; layer < m_.layers; ++layer) {
      const std::string b = Whisper::block(layer);
      std::vector<Row> qkv;
      for (const Row& r : x) qkv.push_back(linear(b + "attn.qkv", norm(b + "attn_ln", r)));
      for (size_t t = 0; t < x.size(); ++t) {
        add(x[t], linear(b + "attn.out", attend(
                                             qkv[t], t + 1, [&](size_t s, size_t j) { return qkv[s][d + j]; },
                                             [&](size_t s, size_t j) { return qkv[s][2 * d + j]; })));
        const size_t at = static_cast<size_t>(layer) * 2 * d;
        add(x[t], linear(b + "cross_attn.out", attend(
                                                   linear(b + "cross_attn.query", norm(b + "cross_attn_ln", x[t])),
                                                   kv_.size() / wide, [&](size_t s, size_t j) { return kv_[s * wide + at + j]; },
                                                   [&](size_t s, size_t j) { return kv_[s * wide + at + d + j]; })));
        Row hidden = linear(b + "mlp.0", norm(b + "mlp_ln", x[t]));
        for (double& h : hidden) h *= 0.5 * std::erfc(-h / std::sqrt(2.0));
        add(x[t], linear(b + "mlp.2", hidden));
      }
    }
    return times(embedding, norm("decoder.ln", x.back()));
  }

 private:
  using Row = std::vector<double>;
  static void add(Row& x, const Row& y) {
    for (size_t j = 0; j < x.size(); ++j) x[j] += y[j];
  }
  static Row times(const std::vector<float>& w, const Row& x) {
    Row y(w.size() / x.size());
    for (size_t r = 0; r < y.size(); ++r)
      for (size_t j = 0; j < x.size(); ++j) y[r] += static_cast<double>(w[r * x.size() + j]) * x[j];
    return y;
  }
  Row linear(const std::string& name, const Row& x) const {
    Row y = times(m_.tensors.f32(name + ".weight"), x);
    const auto& bias = m_.tensors.f32(name + ".bias");
    for (size_t j = 0; j < y.size(); ++j) y[j] += bias[j];
    return y;
  }
  Row norm(const std::string& name, const Row& x) const {
    const double n = static_cast<double>(x.size());
    double mean = 0, variance = 0;
    for (double v : x) mean += v / n;
    for (double v : x) variance += (v - mean) * (v - mean) / n;
    Row y;
    for (size_t j = 0; j < x.size(); ++j)
      y.push_back((x[j] - mean) / std::sqrt(variance + 1e-5) * m_.tensors.f32(name + ".weight")[j] +
                  m_.tensors.f32(name + ".bias")[j]);
    return y;
  }
  template <typename Key, typename Value>
  Row attend(const Row& q, size_t n, Key key, Value value) const {
    const size_t d = static_cast<size_t>(m_.state), head = d / static_cast<size_t>(m_.heads);
    Row out(d);
    for (size_t from = 0; from < d; from += head) {
      Row p(n);
      double sum = 0;
      for (size_t s = 0; s < n; ++s) {
        for (size_t j = from; j < from + head; ++j) p[s] += q[j] * key(s, j);
        sum += p[s] = std::exp(p[s] / std::sqrt(static_cast<double>(head)));
      }
      for (size_t s = 0; s < n; ++s)
        for (size_t j = from; j < from + head; ++j) out[j] += p[s] / sum * value(s, j);
    }
    return out;
  }

  const Whisper& m_;
  std::vector<double> kv_;
};

// The decode stage on such a model; cross-attention keys and values come from the model's own matrix.
class Decoder {
 public:
  using Options = std::map<std::string, std::string>;
  using Regions = std::vector<std::pair<double, double>>;

  Decoder(const Whisper& model, Options options) : model_(model), stage_(plugin(), "decode") {
    stage_.weights = model.tensors.source();
    stage_.config = model.config.dump();
    stage_.options = {{"model", "tiny"}, {"cross", "cross.yaml"}, {"threads", "1"}, {"precision", "f32"}};
    for (const auto& [name, value] : options) stage_.options[name] = value;
    stage_.inners["cross"] = {sizeof(npurt_inner), 1, this, &Decoder::make_cross};
    stage_.open({npurt::Spec(NPURT_F32, {model.audio_ctx, model.state}), npurt::Spec(NPURT_JSON, {NPURT_UNKNOWN})}, 1);
  }

  // One packet for each window of one file; `regions` says where speech is, in seconds.
  std::vector<nlohmann::json> run(const std::vector<std::vector<float>>& windows, const Regions& regions = {}) {
    std::vector<nlohmann::json> packets;
    const auto collect = [&](const std::vector<Tensor>& in, bool end) {
      do {
        const auto out = stage_.run(in, end, 2);
        if (stage_.emitted()) packets.push_back(nlohmann::json::parse(out[0].text()));
      } while (stage_.wants_again());
    };
    const double length = model_.audio_ctx * 0.02;
    for (size_t i = 0; i < windows.size(); ++i) {
      const double start = static_cast<double>(i) * length;
      nlohmann::json at = {{"id", i}, {"start", start}, {"samples", length * 16000}};
      at["regions"] = regions.empty() ? Regions{{start, start + length}} : regions;
      collect({Tensor::of(windows[i], {model_.audio_ctx, model_.state}), Tensor::json(at.dump())}, false);
    }
    collect({}, true);
    return packets;
  }
  // Of a model that does not listen.
  nlohmann::json run(const Regions& regions = {}) {
    return run(std::vector<std::vector<float>>{std::vector<float>(static_cast<size_t>(model_.audio_ctx * model_.state))}, regions)
        .at(0);
  }
  Stage& stage() { return stage_; }

  static const npurt_plugin& plugin() {
    static const npurt_plugin& p = load(NPURT_PLUGIN_DIR "/libnpurt_decoder.so");
    return p;
  }

 private:
  static int32_t make_cross(void* self, const npurt_tensor* in, uint32_t, npurt_tensor* out, uint32_t) {
    auto& d = *static_cast<Decoder*>(self);
    const auto* x = static_cast<const float*>(in->data);
    const auto kv = PlainDecoder::keys_and_values(d.model_, {x, x + npurt::Spec(in->spec).count()});
    d.kv_.assign(kv.begin(), kv.end());
    out->spec = npurt::Spec(NPURT_F32, {d.model_.audio_ctx, static_cast<int64_t>(kv.size()) / d.model_.audio_ctx});
    out->data = d.kv_.data();
    out->bytes = d.kv_.size() * sizeof(float);
    return NPURT_OK;
  }

  const Whisper& model_;
  std::vector<float> kv_;
  Stage stage_;
};

inline std::vector<std::vector<float>> random_windows(const Whisper& m, size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<std::vector<float>> all;
  for (size_t i = 0; i < count; ++i) all.push_back(random.normals(static_cast<int64_t>(m.audio_ctx) * m.state));
  return all;
}

}  // namespace npurt_test
