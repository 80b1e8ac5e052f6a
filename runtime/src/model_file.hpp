// What every model layout is read into: tensors as stored, under the names of their own layout.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "bytes.hpp"

namespace npurt {

// How a stored tensor is encoded: the plain dtypes, and ggml's blocks of 32 values with one or two f16 scales.
enum class Encoding { f32, f16, bf16, i8, u8, i16, i32, i64, q4_0, q5_0, q5_1, q8_0 };

struct Stored {
  Encoding encoding = Encoding::f32;
  std::vector<int64_t> dims;  // outermost first
  Bytes data;
  uint64_t count() const;
};

const char* encoding_name(Encoding);
// Bytes that `count` values take, or 0 if the encoding cannot hold that count (blocks are of 32).
uint64_t encoded_bytes(Encoding, uint64_t count);

struct ModelFile {
  std::filesystem::path path;
  std::string layout;  // "npurt", "ctranslate2", "safetensors", "ggml"
  std::map<std::string, Stored> tensors;
  std::string config;              // unified JSON (docs/models.md)
  std::vector<std::string> vocab;  // raw bytes of each token, by id; empty for models without text
  std::vector<std::unique_ptr<MappedFile>> files;
};

// A file or folder in whichever layout it is. Each of these throws Error(input) naming the file and the place of what is wrong.
ModelFile read_model(const std::filesystem::path& path);
ModelFile read_ctranslate2(const std::filesystem::path& folder);
ModelFile read_huggingface(const std::filesystem::path& folder);
ModelFile read_safetensors_model(const std::filesystem::path& file);  // npurt's own layout
ModelFile read_ggml(const std::filesystem::path& file);

// The tensors of one safetensors file, and its __metadata__ as JSON text ("{}" if none).
std::map<std::string, Stored> read_safetensors(Bytes bytes, const std::string& file, std::string& metadata);

}  // namespace npurt
