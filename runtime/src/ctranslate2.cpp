// CTranslate2's model.bin, versions 5 and 6 (OpenNMT/CTranslate2 src/models/model.cc), with its config.json and vocabulary.
#include <fstream>
#include <nlohmann/json.hpp>

#include "model_config.hpp"
#include "model_file.hpp"

namespace npurt {

using nlohmann::json;

namespace {

std::string read_string(Cursor& c, const char* what) {
  const auto n = c.read<uint16_t>(what);
  Bytes b = c.take(n, what);
  std::string s(b.begin(), b.end());
  if (!s.empty() && s.back() == '\0') s.pop_back();
  return s;
}

json read_json(const std::filesystem::path& path) {
  MappedFile f(path);
  json j = json::parse(f.bytes().begin(), f.bytes().end(), nullptr, false);
  if (j.is_discarded()) throw Error(Exit::input, path.string() + ": is not JSON");
  return j;
}

std::vector<std::string> read_vocabulary(const std::filesystem::path& folder) {
  std::vector<std::string> vocab;
  if (auto path = folder / "vocabulary.json"; std::filesystem::exists(path)) {
    json list = read_json(path);
    if (!list.is_array()) throw Error(Exit::input, path.string() + ": is not a list");
    for (const json& t : list) {
      if (!t.is_string()) throw Error(Exit::input, path.string() + ": holds something that is not a text");
      vocab.push_back(bytes_of_token(t.get<std::string>()));
    }
    return vocab;
  }
  auto path = folder / "vocabulary.txt";
  std::ifstream in(path);
  if (!in) throw Error(Exit::input, folder.string() + ": has neither vocabulary.json nor vocabulary.txt");
  for (std::string line; std::getline(in, line);) vocab.push_back(bytes_of_token(line));
  return vocab;
}

}  // namespace

ModelFile read_ctranslate2(const std::filesystem::path& folder) {
  constexpr Encoding types[] = {Encoding::f32, Encoding::i8, Encoding::i16, Encoding::i32, Encoding::f16, Encoding::bf16};
  ModelFile m;
  m.layout = "ctranslate2";
  const std::string file = (folder / "model.bin").string();
  m.files.push_back(std::make_unique<MappedFile>(file));
  Cursor c(m.files[0]->bytes(), file);
  const auto version = c.read<uint32_t>("the version");
  if (version < 5 || version > 6) c.fail("model.bin has version " + std::to_string(version) + "; npurt reads 5 and 6");
  if (auto spec = read_string(c, "the name of the model"); spec != "WhisperSpec")
    c.fail("the model is a " + spec + ", not a WhisperSpec");
  c.read<uint32_t>("the revision");
  const auto variables = c.read<uint32_t>("the number of tensors");
  for (uint32_t i = 0; i < variables; ++i) {
    const std::string name = read_string(c, "a tensor's name");
    const auto rank = c.read<uint8_t>("a rank");
    if (rank > 6) c.fail("tensor '" + name + "' has " + std::to_string(rank) + " dimensions");
    Stored t;
    uint64_t count = 1;
    for (int d = 0; d < rank; ++d) {
      t.dims.push_back(c.read<uint32_t>("a dimension"));
      count = checked_product(count, static_cast<uint64_t>(t.dims.back()), c, ("tensor '" + name + "'").c_str());
    }
    const auto type = c.read<uint8_t>("a dtype");
    if (type >= std::size(types))
      c.fail("tensor '" + name + "' has dtype " + std::to_string(type) + ", which npurt does not know");
    t.encoding = types[type];
    const auto bytes = c.read<uint32_t>("a length");
    if (bytes != encoded_bytes(t.encoding, count))
      c.fail("tensor '" + name + "' has " + std::to_string(bytes) + " bytes, but its shape needs " +
             std::to_string(encoded_bytes(t.encoding, count)));
    t.data = c.take(bytes, ("tensor '" + name + "'").c_str());
    m.tensors[name] = std::move(t);
  }
  const auto aliases = c.read<uint32_t>("the number of aliases");
  for (uint32_t i = 0; i < aliases; ++i) {
    const std::string alias = read_string(c, "an alias"), name = read_string(c, "an alias's tensor");
    if (auto it = m.tensors.find(name); it != m.tensors.end()) m.tensors[alias] = it->second;
    else c.fail("alias '" + alias + "' names tensor '" + name + "', which the file lacks");
  }

  auto dims = [&](const char* name, size_t rank) -> const std::vector<int64_t>& {
    auto it = m.tensors.find(name);
    if (it == m.tensors.end()) throw Error(Exit::input, file + ": lacks tensor '" + std::string(name) + "'");
    if (it->second.dims.size() != rank)
      throw Error(Exit::input, file + ": tensor '" + std::string(name) + "' has the wrong rank");
    return it->second.dims;
  };
  auto layers = [&](const std::string& side) {
    int64_t n = 0;
    while (m.tensors.count(side + "/layer_" + std::to_string(n) + "/ffn/linear_0/weight")) ++n;
    return n;
  };
  auto heads = [&](const std::string& side, int64_t state) -> int64_t {
    auto it = m.tensors.find(side + "/num_heads");
    if (it == m.tensors.end() || it->second.data.empty()) return state / 64;
    return it->second.encoding == Encoding::i16 ? static_cast<int64_t>(it->second.data[0]) | it->second.data[1] << 8
                                                : it->second.data[0];
  };
  WhisperDims d;
  d.n_mels = dims("encoder/conv1/weight", 3)[1];
  d.n_audio_state = d.n_text_state = dims("decoder/embeddings/weight", 2)[1];
  d.n_vocab = dims("decoder/embeddings/weight", 2)[0];
  d.n_audio_ctx = dims("encoder/position_encodings/encodings", 2)[0];
  d.n_text_ctx = dims("decoder/position_encodings/encodings", 2)[0];
  d.n_audio_layer = layers("encoder");
  d.n_text_layer = layers("decoder");
  d.n_audio_head = heads("encoder", d.n_audio_state);
  d.n_text_head = heads("decoder", d.n_text_state);
  m.vocab = read_vocabulary(folder);
  json config = std::filesystem::exists(folder / "config.json") ? read_json(folder / "config.json") : json::object();
  if (!config.is_object()) throw Error(Exit::input, (folder / "config.json").string() + ": is not a JSON object");
  m.config =
      whisper_config(d, m.vocab, config.value("suppress_ids", json()).dump(), config.value("suppress_ids_begin", json()).dump(),
                     config.value("alignment_heads", json()).dump(), (folder / "config.json").string());
  return m;
}

}  // namespace npurt
