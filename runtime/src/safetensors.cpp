// safetensors: u64 header length, JSON header {name: {dtype, shape, data_offsets}}, data (huggingface/safetensors, README
// "Format").
#include <algorithm>
#include <nlohmann/json.hpp>

#include "model_file.hpp"

namespace npurt {

using nlohmann::json;

namespace {

void check_overlaps(const std::map<std::string, Stored>& tensors, const std::string& file) {
  std::vector<std::pair<Bytes, const std::string*>> all;
  for (const auto& [name, t] : tensors)
    if (!t.data.empty()) all.emplace_back(t.data, &name);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first.data() < b.first.data(); });
  for (size_t i = 1; i < all.size(); ++i)
    if (all[i].first.data() < all[i - 1].first.data() + all[i - 1].first.size())
      throw Error(Exit::input, file + ": tensor '" + *all[i].second + "' overlaps tensor '" + *all[i - 1].second + "'");
}

}  // namespace

std::map<std::string, Stored> read_safetensors(Bytes bytes, const std::string& file, std::string& metadata) {
  static const std::map<std::string, Encoding> types = {{"F32", Encoding::f32}, {"F16", Encoding::f16}, {"BF16", Encoding::bf16},
                                                        {"I8", Encoding::i8},   {"U8", Encoding::u8},   {"I16", Encoding::i16},
                                                        {"I32", Encoding::i32}, {"I64", Encoding::i64}};
  Cursor c(bytes, file);
  const auto length = c.read<uint64_t>("the header length");
  if (length > 100'000'000) c.fail("the header has " + std::to_string(length) + " bytes; safetensors allows 100000000");
  Bytes text = c.take(length, "the header");
  Bytes data = c.take(c.left(), "the data");
  json header = json::parse(text.begin(), text.end(), nullptr, false);
  if (!header.is_object()) throw Error(Exit::input, file + ": byte 8: the header is not a JSON object");
  metadata = "{}";
  std::map<std::string, Stored> tensors;
  for (auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      metadata = entry.dump(-1, ' ', false, json::error_handler_t::replace);
      continue;
    }
    const std::string what = file + ": tensor '" + name + "'";
    auto wrong = [&](const std::string& s) { throw Error(Exit::input, what + " " + s); };
    if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() || !entry.contains("shape") ||
        !entry["shape"].is_array() || !entry.contains("data_offsets") || !entry["data_offsets"].is_array() ||
        entry["data_offsets"].size() != 2)
      wrong("lacks dtype, shape or data_offsets");
    auto type = types.find(entry["dtype"].get<std::string>());
    if (type == types.end()) wrong("has dtype " + entry["dtype"].get<std::string>() + ", which npurt does not read");
    Stored t;
    t.encoding = type->second;
    uint64_t count = 1;
    for (const json& d : entry["shape"]) {
      if (!d.is_number_unsigned()) wrong("has a shape that is not made of whole numbers");
      count = checked_product(count, d.get<uint64_t>(), c, ("tensor '" + name + "'").c_str());
      t.dims.push_back(d.get<int64_t>());
    }
    if (t.dims.size() > 6) wrong("has more than 6 dimensions");
    const json &from = entry["data_offsets"][0], &to = entry["data_offsets"][1];
    if (!from.is_number_unsigned() || !to.is_number_unsigned()) wrong("has offsets that are not whole numbers");
    const auto begin = from.get<uint64_t>(), end = to.get<uint64_t>();
    if (begin > end || end > data.size())
      wrong("lies at bytes " + std::to_string(begin) + " to " + std::to_string(end) + " of " + std::to_string(data.size()) +
            "; the file is cut short or damaged");
    if (end - begin != encoded_bytes(t.encoding, count))
      wrong("has " + std::to_string(end - begin) + " bytes, but its shape needs " +
            std::to_string(encoded_bytes(t.encoding, count)));
    t.data = data.subspan(begin, end - begin);
    tensors.emplace(name, std::move(t));
  }
  check_overlaps(tensors, file);
  return tensors;
}

ModelFile read_safetensors_model(const std::filesystem::path& path) {
  ModelFile m;
  m.layout = "npurt";
  m.files.push_back(std::make_unique<MappedFile>(path));
  std::string metadata;
  m.tensors = read_safetensors(m.files[0]->bytes(), path.string(), metadata);
  json meta = json::parse(metadata, nullptr, false);
  m.config = meta.is_object() && meta.contains("config") && meta["config"].is_string() ? meta["config"].get<std::string>() : "{}";
  if (!json::parse(m.config, nullptr, false).is_object())
    throw Error(Exit::input, path.string() + ": __metadata__ config is not a JSON object");
  return m;
}

}  // namespace npurt
