#include "model_file.hpp"

namespace npurt {

uint64_t Stored::count() const {
  uint64_t n = 1;
  for (int64_t d : dims) n *= static_cast<uint64_t>(d);
  return n;
}

namespace {
struct EncodingFacts {
  const char* name;
  uint64_t block, bytes;  // values in a block, and the bytes it takes
};
// In the order of Encoding.
constexpr EncodingFacts kEncodings[] = {{"f32", 1, 4},    {"f16", 1, 2},    {"bf16", 1, 2},   {"i8", 1, 1},
                                        {"u8", 1, 1},     {"i16", 1, 2},    {"i32", 1, 4},    {"i64", 1, 8},
                                        {"q4_0", 32, 18}, {"q5_0", 32, 22}, {"q5_1", 32, 24}, {"q8_0", 32, 34}};
}  // namespace

const char* encoding_name(Encoding e) { return kEncodings[static_cast<size_t>(e)].name; }

uint64_t encoded_bytes(Encoding e, uint64_t count) {
  const EncodingFacts& f = kEncodings[static_cast<size_t>(e)];
  return count % f.block ? 0 : count / f.block * f.bytes;
}

ModelFile read_model(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code none;
  auto read = [&]() -> ModelFile {
    if (fs::is_directory(path, none)) {
      if (fs::exists(path / "model.bin", none)) return read_ctranslate2(path);
      if (fs::exists(path / "model.safetensors", none) || fs::exists(path / "model.safetensors.index.json", none))
        return read_huggingface(path);
      throw Error(Exit::input, path.string() + ": holds no model.bin (CTranslate2) and no model.safetensors (Hugging Face)");
    }
    const MappedFile file(path);
    const bool ggml = file.bytes().size() >= 4 && std::memcmp(file.bytes().data(), "lmgg", 4) == 0;
    if (ggml) return read_ggml(path);
    if (file.bytes().size() < 9 || file.bytes()[8] != '{')
      throw Error(Exit::input, path.string() + ": is neither a ggml file of whisper.cpp nor a safetensors file");
    return read_safetensors_model(path);
  };
  ModelFile m = read();
  m.path = path;
  return m;
}

}  // namespace npurt
