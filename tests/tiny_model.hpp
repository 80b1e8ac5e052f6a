// A random Whisper model of a few layers, written in every layout that npurt reads. Its values are whole numbers of 1/64 below 2,
// which f16, bf16, int8 rows and q8_0 hold exactly.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace npurt_test {

struct TinyTensor {
  std::vector<int64_t> dims;
  std::vector<float> values;
};

struct TinyModel {
  static constexpr int kMels = 80, kAudioContext = 1500, kTextContext = 448, kState = 32, kHeads = 2, kVocab = 51864;
  static constexpr int kAudioLayers = 1, kTextLayers = 2;
  std::map<std::string, TinyTensor> tensors;  // canonical names
  std::vector<std::string> words;             // raw bytes; the specials are left out, as in whisper.cpp's files
  std::string suppress = "[1,2,7]", suppress_begin = "[220,50256]", alignment_heads = "[[0,1],[1,0]]";
};

TinyModel tiny_model();

// Types: ct2 "f32", "f16", "i8"; Hugging Face "F32", "F16", "BF16"; ggml "f32", "f16", "q4_0", "q5_0", "q5_1", "q8_0".
void write_ctranslate2(const TinyModel& model, const std::filesystem::path& folder, const std::string& type);
void write_huggingface(const TinyModel& model, const std::filesystem::path& folder, const std::string& type, bool sharded,
                       const std::string& prefix);
void write_ggml(const TinyModel& model, const std::filesystem::path& file, const std::string& type);
// npurt's own layout, every tensor f32; `config` is what __metadata__ holds.
void write_npurt(const TinyModel& model, const std::filesystem::path& file, const std::string& config);

// One safetensors file of these bytes: (name, dtype, dims, data).
struct RawTensor {
  std::string name, dtype;
  std::vector<int64_t> dims;
  std::string data;
};
std::string safetensors(const std::vector<RawTensor>& tensors, const std::string& metadata = "");

void write_file(const std::filesystem::path& path, const std::string& bytes);
std::string read_file(const std::filesystem::path& path);

}  // namespace npurt_test
