#include "model.hpp"

#include <nlohmann/json.hpp>
#include <numeric>

namespace decoder {

using nlohmann::json;

Facts read_facts(const std::string& config, const std::string& model) {
  const json c = json::parse(config, nullptr, false);
  if (!c.is_object() || c.value("kind", "") != "whisper") throw npurt::Refuse("model '" + model + "' is not a Whisper model");
  Facts f;
  f.vocab = c.at("n_vocab");
  f.text_ctx = c.at("n_text_ctx");
  f.state = c.value("n_text_state", c.at("n_audio_state").get<int>());
  f.heads = c.at("n_text_head");
  f.layers = c.at("n_text_layer");
  f.audio_ctx = c.at("n_audio_ctx");
  f.multilingual = c.at("multilingual");
  f.eot = c.at("eot");
  f.sot = c.at("sot");
  f.sot_prev = c.at("sot_prev");
  f.no_speech = c.at("no_speech");
  f.no_timestamps = c.at("no_timestamps");
  f.timestamp_begin = c.at("timestamp_begin");
  f.translate = c.at("translate");
  f.transcribe = c.at("transcribe");
  f.suppress = c.at("suppress").get<std::vector<int>>();
  f.suppress_begin = c.at("suppress_begin").get<std::vector<int>>();
  for (const json& l : c.at("languages")) f.languages.push_back({l.at(0), l.at(1)});
  if (f.heads < 1 || f.state % f.heads)
    throw npurt::BadConfig("model '" + model + "': " + std::to_string(f.state) + " states do not divide into " +
                           std::to_string(f.heads) + " heads");
  return f;
}

namespace {

Linear linear(npurt::Host host, const std::string& weight, const std::string& bias, bool int8) {
  Linear l;
  l.int8 = int8;
  if (int8) {
    l.i8 = host.weight<int8_t>(weight);
    l.rows = l.i8.rows;
    l.cols = l.i8.cols;
    l.sums.resize(static_cast<size_t>(l.rows));
#pragma omp parallel for
    for (int64_t r = 0; r < l.rows; ++r) {
      const int8_t* row = l.i8.data + r * l.cols;
      l.sums[static_cast<size_t>(r)] = std::accumulate(row, row + l.cols, 0);
    }
  } else {
    l.f32 = host.weight<float>(weight);
    l.rows = l.f32.rows;
    l.cols = l.f32.cols;
  }
  if (!bias.empty()) l.bias = host.weight<float>(bias).data;
  return l;
}

Norm norm(npurt::Host host, const std::string& name) {
  return {host.weight<float>(name + ".weight").data, host.weight<float>(name + ".bias").data};
}

}  // namespace

Model::Model(npurt::Host host, bool int8) : facts(read_facts(host.meta("config"), host.option("model"))) {
  auto matrix = [&](const std::string& name) { return linear(host, name + ".weight", name + ".bias", int8); };
  embedding = linear(host, "decoder.token_embedding.weight", "", int8);
  positions = host.weight<float>("decoder.positional_embedding").data;
  ln = norm(host, "decoder.ln");
  for (int i = 0; i < facts.layers; ++i) {
    const std::string p = "decoder.blocks." + std::to_string(i) + ".";
    layers.push_back({norm(host, p + "attn_ln"), norm(host, p + "cross_attn_ln"), norm(host, p + "mlp_ln"),
                      matrix(p + "attn.qkv"), matrix(p + "attn.out"), matrix(p + "cross_attn.query"),
                      matrix(p + "cross_attn.out"), matrix(p + "mlp.0"), matrix(p + "mlp.2")});
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
