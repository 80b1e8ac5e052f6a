// Every layout of one model gives the same tensors, the same config and the same words.
#include <cmath>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "decode_values.hpp"
#include "folder.hpp"
#include "tiny_model.hpp"
#include "weights.hpp"

using namespace npurt;
using namespace npurt_test;
namespace fs = std::filesystem;

namespace {

const TinyModel& model() {
  static const TinyModel m = tiny_model();
  return m;
}

// The widest gap that a block's rounding leaves, for values below 2.
double bound(const std::string& type) { return type == "q4_0" ? 0.26 : type == "q5_0" ? 0.13 : type == "q5_1" ? 0.07 : 0; }

void check_model(const fs::path& path, double within) {
  INFO(path);
  const auto weights = Weights::open(path);
  for (const auto& [name, want] : model().tensors) {
    INFO(name);
    npurt_tensor got{};
    REQUIRE(weights->tensor(name, NPURT_F32, got));
    REQUIRE(std::vector<int64_t>(got.spec.dims, got.spec.dims + got.spec.rank) == want.dims);
    REQUIRE(got.bytes == want.values.size() * 4);
    double worst = 0;
    for (size_t i = 0; i < want.values.size(); ++i)
      worst = std::max(worst, std::fabs(static_cast<double>(static_cast<const float*>(got.data)[i]) - want.values[i]));
    const bool matrix = want.dims.size() == 2 && name.ends_with("weight");
    REQUIRE(worst <= (matrix ? within : 0));
    REQUIRE_FALSE((matrix && within > 0 && worst == 0));  // the type was really used
  }
  npurt_tensor bytes{}, offsets{};
  REQUIRE(weights->tensor("vocab.bytes", NPURT_U8, bytes));
  REQUIRE(weights->tensor("vocab.offsets", NPURT_I32, offsets));
  REQUIRE(offsets.spec.dims[0] == TinyModel::kVocab + 1);
  const auto* at = static_cast<const int32_t*>(offsets.data);
  for (size_t i = 0; i < model().words.size(); ++i)
    REQUIRE(std::string(static_cast<const char*>(bytes.data) + at[i], static_cast<const char*>(bytes.data) + at[i + 1]) ==
            model().words[i]);
  const auto config = nlohmann::json::parse(weights->config());
  CHECK(config["n_audio_head"] == TinyModel::kHeads);
  CHECK(config["n_text_layer"] == TinyModel::kTextLayers);
  CHECK(config["timestamp_begin"] == 50363);
  verify_model(path);
}

void check_lists(const fs::path& path) {
  const auto config = nlohmann::json::parse(Weights::open(path)->config());
  CHECK(config["suppress"].dump() == model().suppress);
  CHECK(config["suppress_begin"].dump() == model().suppress_begin);
  CHECK(config["alignment_heads"].dump() == model().alignment_heads);
}

}  // namespace

TEST_CASE("a CTranslate2 folder gives canonical tensors") {
  Folder f;
  const std::string type = GENERATE("f32", "f16", "i8");
  write_ctranslate2(model(), f.path() / "model", type);
  check_model(f.path() / "model", 0);
  check_lists(f.path() / "model");
}

TEST_CASE("a CTranslate2 vocabulary may be a JSON list") {
  Folder f;
  write_ctranslate2(model(), f.path() / "model", "f16");
  nlohmann::json words;
  std::string lines = read_file(f.path() / "model/vocabulary.txt");
  for (size_t at = 0, end; at < lines.size(); at = end + 1) words.push_back(lines.substr(at, (end = lines.find('\n', at)) - at));
  fs::remove(f.path() / "model/vocabulary.txt");
  write_file(f.path() / "model/vocabulary.json", words.dump());
  check_model(f.path() / "model", 0);
}

TEST_CASE("a Hugging Face folder gives canonical tensors") {
  Folder f;
  const std::string type = GENERATE("F32", "F16", "BF16");
  const bool sharded = GENERATE(false, true);
  const std::string prefix = sharded ? "" : "model.";
  write_huggingface(model(), f.path() / "model", type, sharded, prefix);
  check_model(f.path() / "model", 0);
  check_lists(f.path() / "model");
}

TEST_CASE("a Hugging Face vocabulary may be in tokenizer.json") {
  Folder f;
  write_huggingface(model(), f.path() / "model", "F16", false, "model.");
  nlohmann::json tokenizer;
  tokenizer["model"]["vocab"] = nlohmann::json::parse(read_file(f.path() / "model/vocab.json"));
  tokenizer["added_tokens"] = nlohmann::json::array({{{"id", 50256}, {"content", "<|endoftext|>"}}});
  fs::remove(f.path() / "model/vocab.json");
  write_file(f.path() / "model/tokenizer.json", tokenizer.dump());
  check_model(f.path() / "model", 0);
}

TEST_CASE("a whisper.cpp file gives canonical tensors") {
  Folder f;
  const std::string type = GENERATE("f32", "f16", "q4_0", "q5_0", "q5_1", "q8_0");
  write_ggml(model(), f.path() / "model.bin", type);
  check_model(f.path() / "model.bin", bound(type));
}

TEST_CASE("npurt's own file gives canonical tensors") {
  Folder f;
  write_ggml(model(), f.path() / "model.bin", "f32");
  write_npurt(model(), f.path() / "model.safetensors", Weights::open(f.path() / "model.bin")->config());
  check_model(f.path() / "model.safetensors", 0);
}

TEST_CASE("int8 rows are what was stored, or at most half a step away") {
  Folder f;
  write_ctranslate2(model(), f.path() / "i8", "i8");
  write_huggingface(model(), f.path() / "f32", "F32", false, "model.");
  for (const auto& [folder, within] : {std::pair{"i8", 0.0}, {"f32", 0.5001}}) {
    const auto weights = Weights::open(f.path() / folder);
    for (const char* name : {"decoder.blocks.1.attn.qkv.weight", "decoder.blocks.0.cross_attn.kv.weight",
                             "decoder.blocks.0.cross_attn.kv.bias", "decoder.token_embedding.weight"}) {
      npurt_tensor rows{}, scale{};
      REQUIRE(weights->tensor(name, NPURT_I8, rows));
      REQUIRE(weights->tensor(std::string(name) + ".scale", NPURT_F32, scale));
      const TinyTensor& want = model().tensors.at(name);
      REQUIRE(scale.bytes == static_cast<uint64_t>(want.dims[0]) * 4);
      const size_t cols = want.values.size() / static_cast<size_t>(want.dims[0]);
      for (size_t i = 0; i < want.values.size(); ++i) {
        const float s = static_cast<const float*>(scale.data)[i / cols];
        REQUIRE(std::fabs(static_cast<const int8_t*>(rows.data)[i] * s - want.values[i]) <= within * s + 1e-6);
      }
    }
  }
}

// One block of 32 values by quantize_row_*_ref of ggml (whisper.cpp v1.9.3), and what dequantize_row_* makes of it.
TEST_CASE("blocks are read as ggml reads them") {
  struct Golden {
    Encoding encoding;
    const char* bytes;
    std::vector<float> values;
  };
  const std::vector<Golden> all = {
      {Encoding::q4_0,
       "61b4bf278d046ac248ae168ce359b1379d05",
       {-1.9157715F, 0.2736816F,  -1.3684082F, 1.0947266F,  -0.5473633F, 1.6420898F,  -0.0F,       -1.6420898F,
        0.5473633F,  -1.0947266F, 1.3684082F,  -0.2736816F, 1.9157715F,  0.2736816F,  -1.3684082F, 0.8210449F,
        -0.8210449F, 1.6420898F,  -0.0F,       2.1894531F,  0.5473633F,  -1.0947266F, 1.0947266F,  -0.5473633F,
        1.9157715F,  -0.0F,       -1.6420898F, 0.8210449F,  -0.8210449F, 1.3684082F,  -0.2736816F, 2.1894531F}},
      {Encoding::q5_0,
       "61b0d54aa5546e5d1908c594804c3bf8b7a3726e2a19",
       {-1.9157715F, 0.4105225F,  -1.2315674F, 1.0947266F,  -0.6842041F, 1.6420898F,  -0.0F,       -1.6420898F,
        0.6842041F,  -1.0947266F, 1.2315674F,  -0.4105225F, 1.9157715F,  0.2736816F,  -1.3684082F, 0.9578857F,
        -0.8210449F, 1.505249F,   -0.1368408F, 2.1894531F,  0.5473633F,  -1.2315674F, 1.0947266F,  -0.5473633F,
        1.7789307F,  0.1368408F,  -1.505249F,  0.8210449F,  -0.9578857F, 1.3684082F,  -0.2736816F, 2.0526123F}},
      {Encoding::q5_1,
       "4330c0bf2ab55aa990a1e5f62a6b7fb2c3f7384c8d90d4e5",
       {-1.9375F,    0.3265381F, -1.2716064F, 0.9924316F,  -0.6057129F, 1.6583252F,  0.0601807F,  -1.6711426F,
        0.5928955F,  -1.005249F, 1.2587891F,  -0.3393555F, 1.9246826F,  0.1933594F,  -1.4047852F, 0.8592529F,
        -0.7388916F, 1.5251465F, -0.072998F,  2.19104F,    0.4597168F,  -1.1384277F, 1.1256104F,  -0.4725342F,
        1.7915039F,  0.0601807F, -1.5379639F, 0.7260742F,  -0.8720703F, 1.3919678F,  -0.2061768F, 2.0578613F}},
      {Encoding::q8_0,
       "6a249016b53cda61009f25c44be9700fae34d35af87f1ebc43e26907a62dcb52f177",
       {-1.9311523F, 0.3793335F,  -1.2931824F, 1.0345459F,  -0.6552124F, 1.6725159F,  0.0F,        -1.6725159F,
        0.63797F,    -1.0345459F, 1.2931824F,  -0.3965759F, 1.9311523F,  0.2586365F,  -1.4138794F, 0.8966064F,
        -0.7759094F, 1.5518188F,  -0.1379395F, 2.1897888F,  0.5172729F,  -1.1724854F, 1.1552429F,  -0.5172729F,
        1.8104553F,  0.120697F,   -1.5518188F, 0.7759094F,  -0.9138489F, 1.4138794F,  -0.2586365F, 2.0518494F}},
  };
  for (const Golden& g : all) {
    std::vector<uint8_t> bytes;
    for (const char* p = g.bytes; *p; p += 2) bytes.push_back(static_cast<uint8_t>(std::stoi(std::string(p, 2), nullptr, 16)));
    REQUIRE(bytes.size() == encoded_bytes(g.encoding, 32));
    Stored t{g.encoding, {1, 32}, bytes};
    float out[32];
    decode_f32(t, nullptr, out);
    for (size_t i = 0; i < 32; ++i) {
      INFO(encoding_name(g.encoding) << ' ' << i);
      CHECK(out[i] == Approx(g.values[i]).margin(1e-6));
    }
  }
}
