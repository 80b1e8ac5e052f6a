#include "model.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace decoder {

using nlohmann::json;

Facts read_facts(const std::string& config, const std::string& model) {
  const json c = json::parse(config, nullptr, false);
  if (!c.is_object() || c.value("kind", "") != "whisper") throw npurt::Refuse("model '" + model + "' is not a Whisper model");
  const std::string where = "model '" + model + "': the config";
  const auto number = [&](const char* name, int most) {
    if (const auto it = c.find(name); it != c.end() && it->is_number_integer() && *it >= 1 && *it <= most) return it->get<int>();
    throw npurt::BadConfig(where + " has no '" + name + "' from 1 to " + std::to_string(most));
  };
  Facts f;
  f.vocab = number("n_vocab", 1'000'000);
  f.text_ctx = number("n_text_ctx", 1'000'000);
  f.state = number(c.contains("n_text_state") ? "n_text_state" : "n_audio_state", 1'000'000);
  f.heads = number("n_text_head", f.state);
  f.layers = number("n_text_layer", 1000);
  f.audio_ctx = number("n_audio_ctx", 1'000'000);
  // Ids come from a file and become places in the logits.
  const auto is_token = [&](const json& id) { return id.is_number_integer() && id >= 0 && id < f.vocab; };
  const auto token = [&](const char* name) {
    if (const auto it = c.find(name); it != c.end() && is_token(*it)) return it->get<int>();
    throw npurt::BadConfig(where + " has no '" + name + "' that is a token");
  };
  f.multilingual = c.value("multilingual", json()) == true;
  f.eot = token("eot");
  f.sot = token("sot");
  f.sot_prev = token("sot_prev");
  f.no_speech = token("no_speech");
  f.no_timestamps = token("no_timestamps");
  f.timestamp_begin = token("timestamp_begin");
  f.translate = token("translate");
  f.transcribe = token("transcribe");
  const auto checked = [&](const char* name, const json& id) {
    if (!is_token(id)) throw npurt::BadConfig(where + "'s '" + name + "' holds " + id.dump() + ", which is no token");
    return id.get<int>();
  };
  for (const json& id : c.value("suppress", json::array())) f.suppress.push_back(checked("suppress", id));
  for (const json& id : c.value("suppress_begin", json::array())) f.suppress_begin.push_back(checked("suppress_begin", id));
  for (const json& l : c.value("languages", json::array())) {
    if (!l.is_array() || l.size() != 2 || !l[0].is_string()) throw npurt::BadConfig(where + "'s 'languages' are not pairs");
    f.languages.push_back({l[0], checked("languages", l[1])});
  }
  if (f.multilingual && f.languages.empty()) throw npurt::BadConfig(where + " lists no languages");
  for (const json& h : c.value("alignment_heads", json::array())) {
    const auto below = [](const json& x, int end) { return x.is_number_integer() && x >= 0 && x < end; };
    if (!h.is_array() || h.size() != 2 || !below(h[0], f.layers) || !below(h[1], f.heads))
      throw npurt::BadConfig(where + "'s 'alignment_heads' holds " + h.dump() + ", which is no head of the decoder");
    f.alignment_heads.emplace_back(h[0], h[1]);
  }
  if (f.alignment_heads.empty())
    for (int i = f.layers / 2 * f.heads; i < f.layers * f.heads; ++i) f.alignment_heads.emplace_back(i / f.heads, i % f.heads);
  if (f.state % f.heads)
    throw npurt::BadConfig("model '" + model + "': " + std::to_string(f.state) + " states do not divide into " +
                           std::to_string(f.heads) + " heads");
  return f;
}

namespace {

// As PackedRows wants them.
void pack(Linear& l, const npurt::Weight<int8_t>& w, const float* bias, int threads) {
  const int64_t blocks = (w.rows + 15) / 16;
  l.packed = memory<int8_t>(static_cast<size_t>(blocks * 16 * w.cols), true);
  l.offset.assign(static_cast<size_t>(blocks * 16), 0);
  l.scale.assign(static_cast<size_t>(blocks * 16), 0);
  l.biases.assign(static_cast<size_t>(blocks * 16), 0);
  std::copy_n(w.scale, w.rows, l.scale.begin());
  if (bias) std::copy_n(bias, w.rows, l.biases.begin());
#pragma omp parallel for num_threads(threads)
  for (int64_t b = 0; b < blocks; ++b)
    kernels().pack_i8(w.data + b * 16 * w.cols, w.rows - b * 16, w.cols, &l.packed[static_cast<size_t>(b * 16 * w.cols)],
                      &l.offset[static_cast<size_t>(b * 16)]);
}

Linear packed(const npurt::Weight<int8_t>& w, const float* bias, int threads) {
  Linear l;
  l.int8 = true;
  l.bias = bias;
  l.rows = w.rows;
  l.cols = w.cols;
  pack(l, w, bias, threads);
  return l;
}

// kv is [2 * state, state]: rows of keys, then of values.
void split(Layer& l, const npurt::Weight<int8_t>& kv, const float* bias, const Facts& f, int threads) {
  const int64_t state = f.state, width = f.head_size();
  std::vector<int8_t> turned(static_cast<size_t>(state * state));
#pragma omp parallel for num_threads(threads)
  for (int64_t head = 0; head < f.heads; ++head)
    for (int64_t i = 0; i < width; ++i)
      for (int64_t j = 0; j < state; ++j)
        turned[static_cast<size_t>((head * state + j) * width + i)] = kv.data[(head * width + i) * state + j];
  const std::vector<float> ones(static_cast<size_t>(f.heads * state), 1);
  l.cross_key = packed({turned.data(), ones.data(), f.heads * state, width}, nullptr, threads);
  l.cross_value = packed({kv.data + state * state, kv.scale + state, state, state}, nullptr, threads);
  l.value_bias = bias + state;
  l.key_scale = kv.scale;
}

Linear linear(npurt::Host host, const std::string& weight, const std::string& bias, bool int8) {
  const float* b = bias.empty() ? nullptr : host.weight<float>(bias).data;
  if (int8) return packed(host.weight<int8_t>(weight), b, host.threads());
  Linear l;
  l.bias = b;
  l.f32 = host.weight<float>(weight);
  l.rows = l.f32.rows;
  l.cols = l.f32.cols;
  return l;
}

Norm norm(npurt::Host host, const std::string& name) {
  return {host.weight<float>(name + ".weight").data, host.weight<float>(name + ".bias").data};
}

}  // namespace

void Linear::row(int64_t r, float* out) const {
  if (!int8) {
    std::copy_n(f32.data + r * cols, cols, out);
    return;
  }
  const int8_t* from = &packed[static_cast<size_t>(r / 16 * 16 * cols + r % 16 * 4)];
  for (int64_t j = 0; j < cols; ++j) out[j] = static_cast<float>(from[j / 4 * 64 + j % 4]) * scale[static_cast<size_t>(r)];
}

Model::Model(npurt::Host host, bool small) : facts(read_facts(host.meta("config"), host.option("model"))), int8(small) {
  auto matrix = [&](const std::string& name) { return linear(host, name + ".weight", name + ".bias", int8); };
  embedding = linear(host, "decoder.token_embedding.weight", "", int8);
  positions = host.weight<float>("decoder.positional_embedding").data;
  ln = norm(host, "decoder.ln");
  for (int i = 0; i < facts.layers; ++i) {
    const std::string p = "decoder.blocks." + std::to_string(i) + ".";
    layers.push_back({norm(host, p + "attn_ln"),
                      norm(host, p + "cross_attn_ln"),
                      norm(host, p + "mlp_ln"),
                      matrix(p + "attn.qkv"),
                      matrix(p + "attn.out"),
                      matrix(p + "cross_attn.query"),
                      matrix(p + "cross_attn.out"),
                      matrix(p + "mlp.0"),
                      matrix(p + "mlp.2"),
                      {},
                      {}});
    const std::string kv = p + "cross_attn.kv.";
    if (int8)
      split(layers.back(), host.weight<int8_t>(kv + "weight"), host.weight<float>(kv + "bias").data, facts, host.threads());
  }
  const npurt_tensor bytes = host.tensor("vocab.bytes", NPURT_U8), offsets = host.tensor("vocab.offsets", NPURT_I32);
  const auto* at = static_cast<const int32_t*>(offsets.data);
  const auto* text = static_cast<const char*>(bytes.data);
  for (int64_t i = 0; i + 1 < offsets.spec.dims[0]; ++i) {
    if (at[i] < 0 || at[i] > at[i + 1] || at[i + 1] > bytes.spec.dims[0])
      throw npurt::BadConfig("model '" + host.option("model") + "': vocab.offsets is damaged");
    tokens.emplace_back(text + at[i], text + at[i + 1]);
  }
  if (static_cast<int>(tokens.size()) < facts.vocab) tokens.resize(static_cast<size_t>(facts.vocab));
}

}  // namespace decoder
