#include "tiny_model.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

namespace npurt_test {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

template <typename T>
void put(std::string& out, T v) {
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}

// For values that f16 holds exactly, zero or normal.
uint16_t half(float f) {
  const auto b = std::bit_cast<uint32_t>(f);
  if ((b & 0x7FFFFFFF) == 0) return static_cast<uint16_t>(b >> 16);
  return static_cast<uint16_t>((b >> 16 & 0x8000) | ((b >> 23 & 255) - 112) << 10 | (b >> 13 & 1023));
}

// To the nearest f16, for the factors of blocks.
uint16_t rounded_half(float f) { return half(std::bit_cast<float>((std::bit_cast<uint32_t>(f) + 0x1000) & 0xFFFFE000)); }

std::string encode(const std::vector<float>& values, const std::string& type) {
  std::string out;
  for (float f : values) {
    if (type == "f32") put(out, f);
    else if (type == "f16") put(out, half(f));
    else if (type == "bf16") put(out, static_cast<uint16_t>(std::bit_cast<uint32_t>(f) >> 16));
    else put(out, static_cast<int8_t>(f * 64));
  }
  return out;
}

// Blocks as ggml's quantize_row_*_ref makes them (ggml/src/ggml-quants.c).
std::string encode_blocks(const std::vector<float>& values, const std::string& type) {
  std::string out;
  for (size_t at = 0; at < values.size(); at += 32) {
    const float* x = values.data() + at;
    const auto [low, high] = std::minmax_element(x, x + 32);
    const float extreme = std::fabs(*low) > std::fabs(*high) ? *low : *high;
    if (type == "q8_0") {
      put(out, half(1 / 64.0F));
      for (int i = 0; i < 32; ++i) put(out, static_cast<int8_t>(x[i] * 64));
      continue;
    }
    const int top = type == "q4_0" ? 15 : 31, zero = type == "q4_0" ? 8 : type == "q5_0" ? 16 : 0;
    const float d = zero ? extreme / static_cast<float>(-zero) : (*high - *low) / 31, m = zero ? 0 : *low;
    put(out, rounded_half(d));
    if (!zero) put(out, half(m));
    uint32_t bits = 0;
    uint8_t low4[16] = {};
    for (int i = 0; i < 32; ++i) {
      const int q = std::clamp(static_cast<int>(d == 0 ? 0 : (x[i] - m) / d + static_cast<float>(zero) + 0.5F), 0, top);
      low4[i % 16] = static_cast<uint8_t>(low4[i % 16] | (q & 15) << (i / 16 * 4));
      bits |= static_cast<uint32_t>(q >> 4) << i;
    }
    if (top == 31) put(out, bits);
    out.append(reinterpret_cast<const char*>(low4), 16);
  }
  return out;
}

std::string replaced(std::string s, const std::vector<std::pair<std::string, std::string>>& pairs) {
  for (const auto& [from, to] : pairs)
    if (const size_t at = s.find(from); at != std::string::npos) s.replace(at, from.size(), to);
  return s;
}

// OpenAI's names: query, key and value apart, and no bias for keys.
std::map<std::string, TinyTensor> apart(const TinyModel& model) {
  std::map<std::string, TinyTensor> out;
  for (const auto& [name, t] : model.tensors) {
    std::vector<std::string> parts;
    if (name.find(".qkv.") != std::string::npos) parts = {"query", "key", "value"};
    if (name.find(".kv.") != std::string::npos) parts = {"key", "value"};
    if (parts.empty()) out[name] = t;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (parts[i] == "key" && name.ends_with("bias")) continue;
      TinyTensor part{t.dims, {}};
      part.dims[0] /= static_cast<int64_t>(parts.size());
      const auto n = static_cast<int64_t>(t.values.size() / parts.size());
      part.values.assign(t.values.begin() + n * static_cast<int64_t>(i), t.values.begin() + n * static_cast<int64_t>(i + 1));
      out[replaced(name, {{".qkv.", "." + parts[i] + "."}, {".kv.", "." + parts[i] + "."}})] = part;
    }
  }
  return out;
}

// A token in GPT-2's alphabet, where every byte is a printable character.
std::string printable(const std::string& word) {
  std::string out;
  for (char c : word) {
    const auto b = static_cast<unsigned char>(c);
    const bool plain = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
    const int code = plain ? b : b <= 0x20 ? 256 + b : b == 0xAD ? 323 : 256 + 33 + b - 127;
    if (code < 128) out += static_cast<char>(code);
    else out += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
  }
  return out;
}

}  // namespace

TinyModel tiny_model() {
  constexpr int D = TinyModel::kState;
  TinyModel m;
  std::mt19937 random(7);
  auto add = [&](const std::string& name, std::vector<int64_t> dims, int most) {
    TinyTensor t{dims, {}};
    size_t n = 1;
    for (int64_t d : dims) n *= static_cast<size_t>(d);
    for (size_t i = 0; i < n; ++i)
      t.values.push_back(static_cast<float>(static_cast<int>(random() % (2 * most + 1)) - most) / 64);
    m.tensors[name] = std::move(t);
  };
  auto linear = [&](const std::string& name, int64_t rows, int64_t cols) {
    add(name + ".weight", {rows, cols}, 40);
    add(name + ".bias", {rows}, 20);
  };
  auto norm = [&](const std::string& name) {
    add(name + ".weight", {D}, 20);
    for (float& x : m.tensors[name + ".weight"].values) x += 1;
    add(name + ".bias", {D}, 20);
  };
  add("encoder.conv1.weight", {D, TinyModel::kMels, 3}, 20);
  add("encoder.conv1.bias", {D}, 20);
  add("encoder.conv2.weight", {D, D, 3}, 40);
  add("encoder.conv2.bias", {D}, 20);
  add("encoder.positional_embedding", {TinyModel::kAudioContext, D}, 30);
  add("decoder.positional_embedding", {TinyModel::kTextContext, D}, 100);
  add("decoder.token_embedding.weight", {TinyModel::kVocab, D}, 100);
  norm("encoder.ln_post");
  norm("decoder.ln");
  for (const std::string side : {"encoder", "decoder"})
    for (int i = 0; i < (side == "encoder" ? TinyModel::kAudioLayers : TinyModel::kTextLayers); ++i) {
      const std::string p = side + ".blocks." + std::to_string(i) + ".";
      for (const char* n : {"attn_ln", "mlp_ln"}) norm(p + n);
      linear(p + "attn.qkv", 3 * D, D);
      linear(p + "attn.out", D, D);
      std::fill_n(m.tensors[p + "attn.qkv.bias"].values.begin() + D, D, 0.0F);
      linear(p + "mlp.0", 4 * D, D);
      linear(p + "mlp.2", D, 4 * D);
      if (side == "encoder") continue;
      norm(p + "cross_attn_ln");
      linear(p + "cross_attn.query", D, D);
      linear(p + "cross_attn.kv", 2 * D, D);
      linear(p + "cross_attn.out", D, D);
      std::fill_n(m.tensors[p + "cross_attn.kv.bias"].values.begin(), D, 0.0F);
    }
  for (int i = 0; i < 256; ++i) m.words.emplace_back(1, static_cast<char>(i));
  while (m.words.size() < 50256) m.words.push_back(" w" + std::to_string(m.words.size()));
  return m;
}

void write_ctranslate2(const TinyModel& model, const fs::path& folder, const std::string& type) {
  const std::map<std::string, uint8_t> codes = {{"f32", 0}, {"i8", 1}, {"i16", 2}, {"f16", 4}};
  uint32_t count = 0;
  std::string body;
  auto text = [](std::string& out, const std::string& s) {
    put(out, static_cast<uint16_t>(s.size() + 1));
    out += s + '\0';
  };
  auto tensor = [&](const std::string& name, const std::vector<int64_t>& dims, const std::string& as, const std::string& data) {
    text(body, name);
    put(body, static_cast<uint8_t>(dims.size()));
    for (int64_t d : dims) put(body, static_cast<uint32_t>(d));
    put(body, codes.at(as));
    put(body, static_cast<uint32_t>(data.size()));
    body += data;
    ++count;
  };
  for (const auto& [name, t] : model.tensors) {
    std::string n = replaced(name, {{"positional_embedding", "position_encodings.encodings"},
                                    {"token_embedding", "embeddings"},
                                    {".blocks.", ".layer_"},
                                    {"ln_post.", "layer_norm."},
                                    {"decoder.ln.", "decoder.layer_norm."},
                                    {"cross_attn_ln.", "attention.layer_norm."},
                                    {"cross_attn.query", "attention.linear_0"},
                                    {"cross_attn.kv", "attention.linear_1"},
                                    {"cross_attn.out", "attention.linear_2"},
                                    {".attn_ln.", ".self_attention.layer_norm."},
                                    {".attn.qkv", ".self_attention.linear_0"},
                                    {".attn.out", ".self_attention.linear_1"},
                                    {"mlp_ln.", "ffn.layer_norm."},
                                    {"mlp.0", "ffn.linear_0"},
                                    {"mlp.2", "ffn.linear_1"}});
    if (n.find("layer_norm") != std::string::npos) n = replaced(n, {{".weight", ".gamma"}, {".bias", ".beta"}});
    std::replace(n.begin(), n.end(), '.', '/');
    const bool matrix = t.dims.size() == 2 && n.ends_with("weight");
    const std::string as = type == "i8" && !matrix ? "f32" : type;
    tensor(n, t.dims, as, encode(t.values, as));
    if (as == "i8")
      tensor(n + "_scale", {t.dims[0]}, "f32", encode(std::vector<float>(static_cast<size_t>(t.dims[0]), 64), "f32"));
  }
  for (const char* side : {"encoder", "decoder"})
    tensor(std::string(side) + "/num_heads", {}, "i16", std::string{TinyModel::kHeads, 0});
  std::string file;
  put(file, uint32_t{6});
  text(file, "WhisperSpec");
  put(file, uint32_t{3});
  put(file, count);
  file += body;
  put(file, uint32_t{1});
  text(file, "decoder/projection/weight");
  text(file, "decoder/embeddings/weight");
  write_file(folder / "model.bin", file);
  std::string words;
  for (const std::string& w : model.words) words += printable(w) + '\n';
  write_file(folder / "vocabulary.txt", words);
  write_file(folder / "config.json", "{\"suppress_ids\": " + model.suppress + ", \"suppress_ids_begin\": " +
                                         model.suppress_begin + ", \"alignment_heads\": " + model.alignment_heads + "}");
}

void write_huggingface(const TinyModel& model, const fs::path& folder, const std::string& type, bool sharded,
                       const std::string& prefix) {
  std::string small = type;
  std::transform(small.begin(), small.end(), small.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
  std::vector<RawTensor> shards[2];
  json index = {{"weight_map", json::object()}};
  const char* files[] = {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"};
  for (const auto& [name, t] : apart(model)) {
    const std::string n = prefix + replaced(name, {{"positional_embedding", "embed_positions.weight"},
                                                   {"token_embedding", "embed_tokens"},
                                                   {".blocks.", ".layers."},
                                                   {"ln_post.", "layer_norm."},
                                                   {"decoder.ln.", "decoder.layer_norm."},
                                                   {"cross_attn_ln", "encoder_attn_layer_norm"},
                                                   {"cross_attn.", "encoder_attn."},
                                                   {".attn_ln", ".self_attn_layer_norm"},
                                                   {".attn.", ".self_attn."},
                                                   {"mlp_ln", "final_layer_norm"},
                                                   {"mlp.0", "fc1"},
                                                   {"mlp.2", "fc2"},
                                                   {".query.", ".q_proj."},
                                                   {".key.", ".k_proj."},
                                                   {".value.", ".v_proj."},
                                                   {".out.", ".out_proj."}});
    const int shard = sharded && name.starts_with("encoder");
    shards[shard].push_back({n, type, t.dims, encode(t.values, small)});
    index["weight_map"][n] = files[shard];
  }
  if (!sharded) write_file(folder / "model.safetensors", safetensors(shards[0], R"({"format":"pt"})"));
  for (int i = 0; sharded && i < 2; ++i) write_file(folder / files[i], safetensors(shards[i]));
  if (sharded) write_file(folder / "model.safetensors.index.json", index.dump());
  json vocabulary;
  for (size_t i = 0; i < model.words.size(); ++i) vocabulary[printable(model.words[i])] = i;
  write_file(folder / "vocab.json", vocabulary.dump());
  write_file(folder / "added_tokens.json", R"({"<|endoftext|>": 50256})");
  const json config = {{"num_mel_bins", TinyModel::kMels},
                       {"max_source_positions", TinyModel::kAudioContext},
                       {"d_model", TinyModel::kState},
                       {"encoder_attention_heads", TinyModel::kHeads},
                       {"encoder_layers", TinyModel::kAudioLayers},
                       {"vocab_size", TinyModel::kVocab},
                       {"max_target_positions", TinyModel::kTextContext},
                       {"decoder_attention_heads", TinyModel::kHeads},
                       {"decoder_layers", TinyModel::kTextLayers}};
  write_file(folder / "config.json", config.dump());
  write_file(folder / "generation_config.json", "{\"suppress_tokens\": " + model.suppress +
                                                    ", \"begin_suppress_tokens\": " + model.suppress_begin +
                                                    ", \"alignment_heads\": " + model.alignment_heads + "}");
}

void write_ggml(const TinyModel& model, const fs::path& file, const std::string& type) {
  const std::map<std::string, int32_t> codes = {{"f32", 0}, {"f16", 1}, {"q4_0", 2}, {"q5_0", 6}, {"q5_1", 7}, {"q8_0", 8}};
  std::string out;
  for (int32_t v : {0x67676d6c, TinyModel::kVocab, TinyModel::kAudioContext, TinyModel::kState, TinyModel::kHeads,
                    TinyModel::kAudioLayers, TinyModel::kTextContext, TinyModel::kState, TinyModel::kHeads,
                    TinyModel::kTextLayers, TinyModel::kMels, 1, TinyModel::kMels, 201})
    put(out, v);
  out.append(TinyModel::kMels * 201 * 4, '\0');
  put(out, static_cast<int32_t>(model.words.size()));
  for (const std::string& w : model.words) {
    put(out, static_cast<int32_t>(w.size()));
    out += w;
  }
  for (const auto& [name, t] : apart(model)) {
    const bool matrix = t.dims.size() == 2 && name.ends_with("weight"), blocks = type[0] == 'q';
    const std::string as = matrix ? type : t.dims.size() == 3 && type != "f32" ? "f16" : "f32";
    std::vector<int64_t> dims = t.dims;
    if (name.ends_with("conv1.bias") || name.ends_with("conv2.bias")) dims.push_back(1);
    for (int64_t v : {static_cast<int64_t>(dims.size()), static_cast<int64_t>(name.size()), int64_t{codes.at(as)}})
      put(out, static_cast<int32_t>(v));
    for (auto d = dims.rbegin(); d != dims.rend(); ++d) put(out, static_cast<int32_t>(*d));
    out += name + (matrix && blocks ? encode_blocks(t.values, as) : encode(t.values, as));
  }
  write_file(file, out);
}

void write_npurt(const TinyModel& model, const fs::path& file, const std::string& config) {
  std::vector<RawTensor> all;
  for (const auto& [name, t] : model.tensors) all.push_back({name, "F32", t.dims, encode(t.values, "f32")});
  std::string bytes, offsets;
  for (int i = 0; i < TinyModel::kVocab; ++i) {
    put(offsets, static_cast<int32_t>(bytes.size()));
    if (i < static_cast<int>(model.words.size())) bytes += model.words[static_cast<size_t>(i)];
  }
  put(offsets, static_cast<int32_t>(bytes.size()));
  all.push_back({"vocab.bytes", "U8", {static_cast<int64_t>(bytes.size())}, bytes});
  all.push_back({"vocab.offsets", "I32", {TinyModel::kVocab + 1}, offsets});
  write_file(file, safetensors(all, json{{"config", config}}.dump()));
}

std::string safetensors(const std::vector<RawTensor>& tensors, const std::string& metadata) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = json::parse(metadata);
  std::string data;
  for (const RawTensor& t : tensors) {
    header[t.name] = {{"dtype", t.dtype}, {"shape", t.dims}, {"data_offsets", {data.size(), data.size() + t.data.size()}}};
    data += t.data;
  }
  const std::string text = header.dump();
  std::string out;
  put(out, static_cast<uint64_t>(text.size()));
  return out + text + data;
}

void write_file(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string read_file(const fs::path& path) {
  std::stringstream s;
  s << std::ifstream(path, std::ios::binary).rdbuf();
  return s.str();
}

}  // namespace npurt_test
