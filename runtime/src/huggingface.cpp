// A Hugging Face folder of a Whisper model: safetensors (one file or shards), config.json, generation_config.json, vocabulary.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "model_config.hpp"
#include "model_file.hpp"

namespace npurt {

using nlohmann::json;

namespace {

json read_json(const std::filesystem::path& path) {
  MappedFile f(path);
  json j = json::parse(f.bytes().begin(), f.bytes().end(), nullptr, false);
  if (!j.is_object()) throw Error(Exit::input, path.string() + ": is not a JSON object");
  return j;
}

// {token: id} of vocab.json and added_tokens.json, or of tokenizer.json.
std::vector<std::string> huggingface_vocabulary(const std::filesystem::path& folder) {
  std::vector<std::string> vocab;
  auto put = [&](const std::string& token, const json& id) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > 1'000'000)
      throw Error(Exit::input, folder.string() + ": the vocabulary gives token '" + token + "' no usable id");
    const auto i = id.get<size_t>();
    if (vocab.size() <= i) vocab.resize(i + 1);
    vocab[i] = bytes_of_token(token);
  };
  if (std::filesystem::exists(folder / "vocab.json")) {
    const json base = read_json(folder / "vocab.json");
    for (auto& [token, id] : base.items()) put(token, id);
    if (std::filesystem::exists(folder / "added_tokens.json")) {
      const json added = read_json(folder / "added_tokens.json");
      for (auto& [token, id] : added.items()) put(token, id);
    }
  } else if (!std::filesystem::exists(folder / "tokenizer.json")) {
    throw Error(Exit::input, folder.string() + ": has neither vocab.json nor tokenizer.json");
  } else {
    json t = read_json(folder / "tokenizer.json");
    if (!t.contains("model") || !t["model"].is_object() || !t["model"].contains("vocab") || !t["model"]["vocab"].is_object())
      throw Error(Exit::input, (folder / "tokenizer.json").string() + ": has no model.vocab");
    for (auto& [token, id] : t["model"]["vocab"].items()) put(token, id);
    for (const json& a : t.value("added_tokens", json::array()))
      if (a.is_object() && a.contains("content") && a["content"].is_string() && a.contains("id"))
        put(a["content"].get<std::string>(), a["id"]);
  }
  return vocab;
}

}  // namespace

ModelFile read_huggingface(const std::filesystem::path& folder) {
  ModelFile m;
  m.layout = "safetensors";
  std::vector<std::filesystem::path> shards;
  if (auto index = folder / "model.safetensors.index.json"; std::filesystem::exists(index)) {
    json j = read_json(index);
    if (!j.contains("weight_map") || !j["weight_map"].is_object())
      throw Error(Exit::input, index.string() + ": has no weight_map");
    for (auto& [name, shard] : j["weight_map"].items()) {
      if (!shard.is_string() || shard.get<std::string>().empty() || shard.get<std::string>().find('/') != std::string::npos)
        throw Error(Exit::input, index.string() + ": weight_map gives '" + name + "' no file name");
      auto path = folder / shard.get<std::string>();
      if (std::find(shards.begin(), shards.end(), path) == shards.end()) shards.push_back(path);
    }
  } else {
    shards.push_back(folder / "model.safetensors");
  }
  for (const auto& path : shards) {
    m.files.push_back(std::make_unique<MappedFile>(path));
    std::string metadata;
    for (auto& [name, tensor] : read_safetensors(m.files.back()->bytes(), path.string(), metadata))
      m.tensors.emplace(name.rfind("model.", 0) == 0 ? name.substr(6) : name, std::move(tensor));
  }
  m.vocab = huggingface_vocabulary(folder);
  json c = read_json(folder / "config.json");
  json g =
      std::filesystem::exists(folder / "generation_config.json") ? read_json(folder / "generation_config.json") : json::object();
  WhisperDims d;
  const std::string file = (folder / "config.json").string();
  auto number = [&](const char* key) {
    if (!c.contains(key) || !c[key].is_number_unsigned()) throw Error(Exit::input, file + ": lacks the number '" + key + "'");
    return c[key].get<int64_t>();
  };
  d.n_mels = number("num_mel_bins");
  d.n_audio_ctx = number("max_source_positions");
  d.n_audio_state = d.n_text_state = number("d_model");
  d.n_audio_head = number("encoder_attention_heads");
  d.n_audio_layer = number("encoder_layers");
  d.n_vocab = number("vocab_size");
  d.n_text_ctx = number("max_target_positions");
  d.n_text_head = number("decoder_attention_heads");
  d.n_text_layer = number("decoder_layers");
  m.config = whisper_config(d, m.vocab, g.value("suppress_tokens", json()).dump(),
                            g.value("begin_suppress_tokens", json()).dump(), g.value("alignment_heads", json()).dump(), file);
  return m;
}

}  // namespace npurt
