#include "whisper_shapes.hpp"

#include "layout.hpp"
#include "parts.hpp"

namespace npurt {

using nlohmann::json;

namespace {

// "3D,D" of a Whisper tensor, from its name; "" if any shape will do.
std::string expected_shape(const std::string& name) {
  static const std::pair<const char*, const char*> shapes[] = {{"conv1.weight", "D,M,3"},
                                                               {"conv2.weight", "D,D,3"},
                                                               {"encoder.positional_embedding", "A,D"},
                                                               {"decoder.positional_embedding", "T,D"},
                                                               {"token_embedding.weight", "V,D"},
                                                               {"qkv.weight", "3D,D"},
                                                               {"qkv.bias", "3D"},
                                                               {"kv.weight", "2D,D"},
                                                               {"kv.bias", "2D"},
                                                               {"attn.out.weight", "D,D"},
                                                               {"query.weight", "D,D"},
                                                               {"mlp.0.weight", "4D,D"},
                                                               {"mlp.0.bias", "4D"},
                                                               {"mlp.2.weight", "D,4D"},
                                                               {".weight", "D"},
                                                               {".bias", "D"}};
  for (auto& [suffix, shape] : shapes)
    if (name.ends_with(suffix)) return shape;
  return "";
}

std::string shape_text(const std::vector<int64_t>& dims) {
  std::string s = "[";
  for (size_t i = 0; i < dims.size(); ++i) s += (i ? "," : "") + std::to_string(dims[i]);
  return s + "]";
}

// The first stored tensor that `name` needs and the model lacks.
std::string missing(const ModelFile& model, const std::string& name) {
  for (const auto& s : sources_of(model.layout, name))
    if (!s.empty() && !model.tensors.count(s)) return s;
  return name;
}

// The other layouts bring their vocabulary as words.
void check_vocabulary(const ModelFile& model, uint64_t words) {
  auto find = [&](const char* name, Encoding type) -> const Stored& {
    auto it = model.tensors.find(name);
    if (it == model.tensors.end()) throw Error(Exit::input, model.path.string() + ": lacks tensor '" + name + "'");
    if (it->second.encoding != type || it->second.dims.size() != 1)
      throw Error(Exit::input, model.path.string() + ": tensor '" + name + "' is not a row of " + encoding_name(type));
    return it->second;
  };
  const Stored &bytes = find("vocab.bytes", Encoding::u8), &offsets = find("vocab.offsets", Encoding::i32);
  if (offsets.count() != words + 1)
    throw Error(Exit::input, model.path.string() + ": tensor 'vocab.offsets' has " + std::to_string(offsets.count()) +
                                 " values; n_vocab is " + std::to_string(words));
  Cursor c(offsets.data, model.path.string());
  for (int64_t i = 0, last = 0; i < static_cast<int64_t>(offsets.count()); ++i) {
    const int64_t at = c.read<int32_t>("an offset");
    if (at < last || at > static_cast<int64_t>(bytes.count()))
      throw Error(Exit::input, model.path.string() + ": tensor 'vocab.offsets' is damaged at value " + std::to_string(i));
    last = at;
  }
}

}  // namespace

void check_whisper_shapes(const ModelFile& model, const json& facts) {
  const std::map<char, int64_t> letters = {{'D', facts["n_audio_state"]},
                                           {'M', facts["n_mels"]},
                                           {'A', facts["n_audio_ctx"]},
                                           {'T', facts["n_text_ctx"]},
                                           {'V', facts["n_vocab"]}};
  for (const std::string& name : canonical_names(facts["n_audio_layer"], facts["n_text_layer"])) {
    const auto p = find_parts(model, facts, name);
    if (!p) throw Error(Exit::input, model.path.string() + ": lacks tensor '" + missing(model, name) + "'");
    std::vector<int64_t> wanted;
    int64_t times = 1;
    for (char c : expected_shape(name) + ",") {
      if (c == ',') {
        wanted.push_back(times);
        times = 1;
      } else {
        times *= c >= '0' && c <= '9' ? c - '0' : letters.at(c);
      }
    }
    if (p->dims != wanted)
      throw Error(Exit::input, model.path.string() + ": tensor '" + name + "' has shape " + shape_text(p->dims) + ", wanted " +
                                   shape_text(wanted));
    for (const Stored* s : p->stored)
      if (s && (s->encoding == Encoding::i32 || s->encoding == Encoding::i64 || s->encoding == Encoding::u8 ||
                s->encoding == Encoding::i16))
        throw Error(Exit::input,
                    model.path.string() + ": tensor '" + name + "' is " + encoding_name(s->encoding) + ", wanted floats or i8");
  }
  if (model.layout == "npurt") check_vocabulary(model, facts["n_vocab"]);
}

}  // namespace npurt
