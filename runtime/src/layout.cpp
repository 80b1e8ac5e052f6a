#include "layout.hpp"

#include <sstream>

namespace npurt {

namespace {

// One row a tensor. `@` is encoder or decoder, `#` the layer; names joined by + are stacked by rows; 0 is zeros.
struct Row {
  const char *canonical, *ctranslate2, *huggingface, *ggml;
};
constexpr Row kRows[] = {
    {"encoder.conv1.weight", "encoder/conv1/weight", "encoder.conv1.weight", "encoder.conv1.weight"},
    {"encoder.conv1.bias", "encoder/conv1/bias", "encoder.conv1.bias", "encoder.conv1.bias"},
    {"encoder.conv2.weight", "encoder/conv2/weight", "encoder.conv2.weight", "encoder.conv2.weight"},
    {"encoder.conv2.bias", "encoder/conv2/bias", "encoder.conv2.bias", "encoder.conv2.bias"},
    {"encoder.positional_embedding", "encoder/position_encodings/encodings", "encoder.embed_positions.weight",
     "encoder.positional_embedding"},
    {"encoder.ln_post.weight", "encoder/layer_norm/gamma", "encoder.layer_norm.weight", "encoder.ln_post.weight"},
    {"encoder.ln_post.bias", "encoder/layer_norm/beta", "encoder.layer_norm.bias", "encoder.ln_post.bias"},
    {"decoder.token_embedding.weight", "decoder/embeddings/weight", "decoder.embed_tokens.weight",
     "decoder.token_embedding.weight"},
    {"decoder.positional_embedding", "decoder/position_encodings/encodings", "decoder.embed_positions.weight",
     "decoder.positional_embedding"},
    {"decoder.ln.weight", "decoder/layer_norm/gamma", "decoder.layer_norm.weight", "decoder.ln.weight"},
    {"decoder.ln.bias", "decoder/layer_norm/beta", "decoder.layer_norm.bias", "decoder.ln.bias"},
    {"@.blocks.#.attn_ln.weight", "@/layer_#/self_attention/layer_norm/gamma", "@.layers.#.self_attn_layer_norm.weight",
     "@.blocks.#.attn_ln.weight"},
    {"@.blocks.#.attn_ln.bias", "@/layer_#/self_attention/layer_norm/beta", "@.layers.#.self_attn_layer_norm.bias",
     "@.blocks.#.attn_ln.bias"},
    {"@.blocks.#.attn.qkv.weight", "@/layer_#/self_attention/linear_0/weight",
     "@.layers.#.self_attn.q_proj.weight+@.layers.#.self_attn.k_proj.weight+@.layers.#.self_attn.v_proj.weight",
     "@.blocks.#.attn.query.weight+@.blocks.#.attn.key.weight+@.blocks.#.attn.value.weight"},
    {"@.blocks.#.attn.qkv.bias", "@/layer_#/self_attention/linear_0/bias",
     "@.layers.#.self_attn.q_proj.bias+0+@.layers.#.self_attn.v_proj.bias",
     "@.blocks.#.attn.query.bias+0+@.blocks.#.attn.value.bias"},
    {"@.blocks.#.attn.out.weight", "@/layer_#/self_attention/linear_1/weight", "@.layers.#.self_attn.out_proj.weight",
     "@.blocks.#.attn.out.weight"},
    {"@.blocks.#.attn.out.bias", "@/layer_#/self_attention/linear_1/bias", "@.layers.#.self_attn.out_proj.bias",
     "@.blocks.#.attn.out.bias"},
    {"@.blocks.#.mlp_ln.weight", "@/layer_#/ffn/layer_norm/gamma", "@.layers.#.final_layer_norm.weight",
     "@.blocks.#.mlp_ln.weight"},
    {"@.blocks.#.mlp_ln.bias", "@/layer_#/ffn/layer_norm/beta", "@.layers.#.final_layer_norm.bias", "@.blocks.#.mlp_ln.bias"},
    {"@.blocks.#.mlp.0.weight", "@/layer_#/ffn/linear_0/weight", "@.layers.#.fc1.weight", "@.blocks.#.mlp.0.weight"},
    {"@.blocks.#.mlp.0.bias", "@/layer_#/ffn/linear_0/bias", "@.layers.#.fc1.bias", "@.blocks.#.mlp.0.bias"},
    {"@.blocks.#.mlp.2.weight", "@/layer_#/ffn/linear_1/weight", "@.layers.#.fc2.weight", "@.blocks.#.mlp.2.weight"},
    {"@.blocks.#.mlp.2.bias", "@/layer_#/ffn/linear_1/bias", "@.layers.#.fc2.bias", "@.blocks.#.mlp.2.bias"},
    {"decoder.blocks.#.cross_attn_ln.weight", "decoder/layer_#/attention/layer_norm/gamma",
     "decoder.layers.#.encoder_attn_layer_norm.weight", "decoder.blocks.#.cross_attn_ln.weight"},
    {"decoder.blocks.#.cross_attn_ln.bias", "decoder/layer_#/attention/layer_norm/beta",
     "decoder.layers.#.encoder_attn_layer_norm.bias", "decoder.blocks.#.cross_attn_ln.bias"},
    {"decoder.blocks.#.cross_attn.query.weight", "decoder/layer_#/attention/linear_0/weight",
     "decoder.layers.#.encoder_attn.q_proj.weight", "decoder.blocks.#.cross_attn.query.weight"},
    {"decoder.blocks.#.cross_attn.query.bias", "decoder/layer_#/attention/linear_0/bias",
     "decoder.layers.#.encoder_attn.q_proj.bias", "decoder.blocks.#.cross_attn.query.bias"},
    {"decoder.blocks.#.cross_attn.kv.weight", "decoder/layer_#/attention/linear_1/weight",
     "decoder.layers.#.encoder_attn.k_proj.weight+decoder.layers.#.encoder_attn.v_proj.weight",
     "decoder.blocks.#.cross_attn.key.weight+decoder.blocks.#.cross_attn.value.weight"},
    {"decoder.blocks.#.cross_attn.kv.bias", "decoder/layer_#/attention/linear_1/bias",
     "0+decoder.layers.#.encoder_attn.v_proj.bias", "0+decoder.blocks.#.cross_attn.value.bias"},
    {"decoder.blocks.#.cross_attn.out.weight", "decoder/layer_#/attention/linear_2/weight",
     "decoder.layers.#.encoder_attn.out_proj.weight", "decoder.blocks.#.cross_attn.out.weight"},
    {"decoder.blocks.#.cross_attn.out.bias", "decoder/layer_#/attention/linear_2/bias",
     "decoder.layers.#.encoder_attn.out_proj.bias", "decoder.blocks.#.cross_attn.out.bias"},
};

std::string filled(std::string text, const std::string& side, const std::string& layer) {
  std::string out;
  for (char c : text) {
    if (c == '@') out += side;
    else if (c == '#') out += layer;
    else out += c;
  }
  return out;
}

}  // namespace

std::vector<std::string> sources_of(const std::string& layout, const std::string& name) {
  if (layout == "npurt") return {name};
  const std::string side = name.substr(0, name.find('.'));
  std::string layer;
  if (auto at = name.find(".blocks."); at != std::string::npos) layer = name.substr(at + 8, name.find('.', at + 8) - at - 8);
  for (const Row& row : kRows) {
    if (filled(row.canonical, side, layer) != name) continue;
    std::istringstream parts(filled(layout == "ctranslate2"   ? row.ctranslate2
                                    : layout == "safetensors" ? row.huggingface
                                                              : row.ggml,
                                    side, layer));
    std::vector<std::string> sources;
    for (std::string part; std::getline(parts, part, '+');) sources.push_back(part == "0" ? "" : part);
    return sources;
  }
  return {};
}

std::vector<std::string> canonical_names(int audio_layers, int text_layers) {
  std::vector<std::string> names;
  for (const Row& row : kRows) {
    const std::string pattern = row.canonical;
    if (pattern.find('#') == std::string::npos) {
      names.push_back(pattern);
      continue;
    }
    for (const char* side : {"encoder", "decoder"}) {
      if (pattern[0] != '@' && pattern.rfind(side, 0) != 0) continue;
      for (int i = 0; i < (side[0] == 'e' ? audio_layers : text_layers); ++i)
        names.push_back(filled(pattern, side, std::to_string(i)));
    }
  }
  return names;
}

}  // namespace npurt
