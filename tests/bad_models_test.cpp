// What a damaged or wrong model ends in: one sentence that names the file and the place. FOLDER stands for the scratch folder.
#include <unistd.h>

#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "tiny_model.hpp"
#include "weights.hpp"

using namespace npurt;
using namespace npurt_test;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const fs::path kFolder = fs::temp_directory_path() / ("npurt-bad-models-" + std::to_string(::getpid()));

struct Cleared {
  Cleared() { fs::remove_all(kFolder); }
  ~Cleared() { fs::remove_all(kFolder); }
};

const TinyModel& model() {
  static const TinyModel m = tiny_model();
  return m;
}

// The sentence that opening (and reading every value) ends in; "" if all was well.
std::string refusal(const fs::path& path) {
  try {
    verify_model(path);
    return "";
  } catch (const Error& e) {
    REQUIRE(e.code == Exit::input);
    std::string s = e.what();
    for (size_t at; (at = s.find(kFolder.string())) != std::string::npos;) s.replace(at, kFolder.string().size(), "FOLDER");
    return s;
  }
}

void replace_bytes(const fs::path& file, const std::string& after, size_t skip, const std::string& bytes) {
  std::string all = read_file(file);
  const size_t at = all.find(after);
  REQUIRE(at != std::string::npos);
  write_file(file, all.replace(at + after.size() + skip, bytes.size(), bytes));
}

std::string number(uint32_t n) { return {reinterpret_cast<const char*>(&n), sizeof n}; }

// Cut anywhere, a file is refused by name; the cuts are dense in its head and spread over the rest.
void check_cuts(const fs::path& model_path, const fs::path& file) {
  const std::string whole = read_file(file);
  std::vector<size_t> cuts;
  for (size_t n = 0; n < 400; n += 13) cuts.push_back(n);
  for (size_t i = 1; i < 40; ++i) cuts.push_back(whole.size() / 40 * i);
  for (size_t n : {1, 2, 5, 40}) cuts.push_back(whole.size() - n);
  for (size_t n : cuts) {
    INFO("cut to " << n << " bytes of " << whole.size());
    write_file(file, whole.substr(0, n));
    const std::string said = refusal(model_path);
    CHECK(said.find("FOLDER") != std::string::npos);
    CHECK(said.find('\n') == std::string::npos);
  }
  write_file(file, whole);
  CHECK(refusal(model_path).empty());
}

std::string with_model(const std::string& layout, const std::function<void(TinyModel&)>& change) {
  Cleared cleared;
  TinyModel m = model();
  change(m);
  if (layout == "ctranslate2") write_ctranslate2(m, kFolder / "m", "f16");
  if (layout == "huggingface") write_huggingface(m, kFolder / "m", "F32", false, "model.");
  if (layout == "ggml") write_ggml(m, kFolder / "m", "f32");
  return refusal(kFolder / "m");
}

}  // namespace

TEST_CASE("a model file that is cut short is refused") {
  Cleared cleared;
  write_ctranslate2(model(), kFolder / "ct2", "f16");
  check_cuts(kFolder / "ct2", kFolder / "ct2/model.bin");
  write_huggingface(model(), kFolder / "hf", "F16", false, "");
  check_cuts(kFolder / "hf", kFolder / "hf/model.safetensors");
  write_ggml(model(), kFolder / "ggml.bin", "q5_0");
  check_cuts(kFolder / "ggml.bin", kFolder / "ggml.bin");
}

TEST_CASE("a tensor that is missing, misshapen or not finite is named") {
  auto lack = [](const char* name) { return [name](TinyModel& m) { m.tensors.erase(name); }; };
  CHECK(with_model("ctranslate2", lack("decoder.blocks.1.mlp.2.bias")) ==
        "error: FOLDER/m: lacks tensor 'decoder/layer_1/ffn/linear_1/bias'");
  CHECK(with_model("ctranslate2", lack("encoder.conv1.weight")) ==
        "error: FOLDER/m/model.bin: lacks tensor 'encoder/conv1/weight'");
  CHECK(with_model("huggingface", lack("decoder.blocks.0.attn.qkv.weight")) ==
        "error: FOLDER/m: lacks tensor 'decoder.layers.0.self_attn.q_proj.weight'");
  CHECK(with_model("ggml", lack("encoder.ln_post.bias")) == "error: FOLDER/m: lacks tensor 'encoder.ln_post.bias'");

  auto narrow = [](TinyModel& m) { m.tensors["decoder.blocks.0.mlp.0.weight"] = {{127, 32}, std::vector<float>(127 * 32)}; };
  for (const char* layout : {"ctranslate2", "huggingface", "ggml"})
    CHECK(with_model(layout, narrow) ==
          "error: FOLDER/m: tensor 'decoder.blocks.0.mlp.0.weight' has shape [127,32], wanted [128,32]");

  auto nan = [](TinyModel& m) { m.tensors["encoder.conv2.weight"].values[5] = std::numeric_limits<float>::quiet_NaN(); };
  for (const char* layout : {"huggingface", "ggml"})
    CHECK(with_model(layout, nan) == "error: FOLDER/m: tensor 'encoder.conv2.weight' holds a value that is not a number, at 5");
}

TEST_CASE("a vocabulary of the wrong size is refused") {
  auto few = [](TinyModel& m) { m.words.resize(100); };
  CHECK(with_model("ctranslate2", few) == "error: FOLDER/m/config.json: the vocabulary has 100 tokens; n_vocab is 51864");
  CHECK(with_model("ggml", few) == "error: FOLDER/m: the vocabulary has 100 tokens; n_vocab is 51864");
  auto many = [](TinyModel& m) { m.words.resize(51865, "x"); };
  CHECK(with_model("ctranslate2", many) == "error: FOLDER/m/config.json: the vocabulary has 51865 tokens; n_vocab is 51864");
  CHECK(with_model("ggml", many).ends_with("the vocabulary has 51865 tokens, n_vocab is 51864"));
  auto rows = [](TinyModel& m) { m.tensors["decoder.token_embedding.weight"] = {{100, 32}, std::vector<float>(3200)}; };
  CHECK(with_model("ctranslate2", rows) == "error: FOLDER/m/config.json: n_vocab is 100; a Whisper model has 51864 to 51866");
}

TEST_CASE("a damaged CTranslate2 folder is refused") {
  auto damaged = [](const std::function<void()>& damage) {
    Cleared cleared;
    write_ctranslate2(model(), kFolder / "m", "f16");
    damage();
    return refusal(kFolder / "m");
  };
  const fs::path bin = kFolder / "m/model.bin", config = kFolder / "m/config.json";
  const std::string conv = std::string("encoder/conv1/weight\0", 21);
  CHECK(damaged([&] { replace_bytes(bin, "", 0, number(9)); }) ==
        "error: FOLDER/m/model.bin: byte 4: model.bin has version 9; npurt reads 5 and 6");
  CHECK(damaged([&] { replace_bytes(bin, "Whisper", 0, "Bart"); }) ==
        "error: FOLDER/m/model.bin: byte 18: the model is a WhisperBart, not a WhisperSpec");
  CHECK(damaged([&] { replace_bytes(bin, conv, 0, "\xFF"); }).ends_with("tensor 'encoder/conv1/weight' has 255 dimensions"));
  CHECK(damaged([&] {
          replace_bytes(bin, conv, 1, number(0xFFFFFFFF));
        }).ends_with("tensor 'encoder/conv1/weight' has 15360 bytes, but its shape needs 2061584301600"));
  CHECK(damaged([&] {
          replace_bytes(bin, conv, 1, number(0xFFFFFFFF) + number(0xFFFFFFFF));
        }).ends_with("tensor 'encoder/conv1/weight' is impossibly large"));
  CHECK(damaged([&] {
          replace_bytes(bin, conv, 13, "\x09");
        }).ends_with("tensor 'encoder/conv1/weight' has dtype 9, which npurt does not know"));
  CHECK(damaged([&] {
          replace_bytes(bin, conv, 13, std::string(1, '\0'));
        }).ends_with("tensor 'encoder/conv1/weight' has 15360 bytes, but its shape needs 30720"));
  CHECK(damaged([&] {
          replace_bytes(bin, "decoder/projection/weight", 3, "X");
        }).ends_with("alias 'decoder/projection/weight' names tensor 'Xecoder/embeddings/weight', which the file lacks"));
  CHECK(damaged([&] { write_file(config, "suppress: 1"); }) == "error: FOLDER/m/config.json: is not JSON");
  CHECK(damaged([&] { write_file(config, "[]"); }) == "error: FOLDER/m/config.json: is not a JSON object");
  CHECK(damaged([&] { write_file(config, R"({"suppress_ids": "all"})"); }) ==
        "error: FOLDER/m/config.json: suppress_ids is not a list");
  CHECK(damaged([&] { write_file(config, R"({"alignment_heads": [[7, 0]]})"); }) ==
        "error: FOLDER/m: config key 'alignment_heads' holds something that is not [layer, head] of the decoder");
  CHECK(damaged([&] { fs::remove(kFolder / "m/vocabulary.txt"); }) ==
        "error: FOLDER/m: has neither vocabulary.json nor vocabulary.txt");
  CHECK(damaged([&] { write_file(kFolder / "m/vocabulary.json", R"(["a", 2])"); }) ==
        "error: FOLDER/m/vocabulary.json: holds something that is not a text");
  CHECK(damaged([&] { write_file(kFolder / "m/vocabulary.json", R"({"a": 2})"); }) ==
        "error: FOLDER/m/vocabulary.json: is not a list");
  CHECK(damaged([&] { fs::remove(bin); }) ==
        "error: FOLDER/m: holds no model.bin (CTranslate2) and no model.safetensors (Hugging Face)");
  CHECK(damaged([&] {
          fs::remove(bin);
          fs::create_directory(bin);
        }) == "error: FOLDER/m/model.bin: is not a file");
}

TEST_CASE("a damaged Hugging Face folder is refused") {
  auto damaged = [](const std::function<void()>& damage) {
    Cleared cleared;
    write_huggingface(model(), kFolder / "m", "F16", true, "model.");
    damage();
    return refusal(kFolder / "m");
  };
  auto config = [](const char* key, const json& value) {
    json c = json::parse(read_file(kFolder / "m/config.json"));
    if (value.is_null()) c.erase(key);
    else c[key] = value;
    write_file(kFolder / "m/config.json", c.dump());
  };
  const fs::path index = kFolder / "m/model.safetensors.index.json";
  CHECK(damaged([&] { fs::remove(kFolder / "m/config.json"); }) ==
        "error: FOLDER/m/config.json: cannot be opened: No such file or directory");
  CHECK(damaged([&] { write_file(kFolder / "m/config.json", "{"); }) == "error: FOLDER/m/config.json: is not a JSON object");
  CHECK(damaged([&] { config("d_model", nullptr); }) == "error: FOLDER/m/config.json: lacks the number 'd_model'");
  CHECK(damaged([&] { config("d_model", -4); }) == "error: FOLDER/m/config.json: lacks the number 'd_model'");
  CHECK(damaged([&] { config("d_model", 1ULL << 63); }).starts_with("error: FOLDER/m/config.json: n_audio_state is -9223372"));
  CHECK(damaged([&] { config("d_model", 64); }) ==
        "error: FOLDER/m: tensor 'encoder.conv1.weight' has shape [32,80,3], wanted [64,80,3]");
  CHECK(damaged([&] { config("encoder_attention_heads", 5); }) ==
        "error: FOLDER/m/config.json: 32 audio states do not divide into 5 heads");
  CHECK(damaged([&] { config("vocab_size", 70000); }) ==
        "error: FOLDER/m/config.json: n_vocab is 70000; a Whisper model has 51864 to 51866");
  CHECK(damaged([&] { write_file(kFolder / "m/generation_config.json", R"({"suppress_tokens": [1.5]})"); }) ==
        "error: FOLDER/m/config.json: suppress_ids holds something that is not a token id");
  CHECK(damaged([&] { fs::remove(kFolder / "m/vocab.json"); }) == "error: FOLDER/m: has neither vocab.json nor tokenizer.json");
  CHECK(damaged([&] { write_file(kFolder / "m/vocab.json", R"({"a": -1})"); }) ==
        "error: FOLDER/m: the vocabulary gives token 'a' no usable id");
  CHECK(damaged([&] {
          fs::remove(kFolder / "m/vocab.json");
          write_file(kFolder / "m/tokenizer.json", R"({"model": []})");
        }) == "error: FOLDER/m/tokenizer.json: has no model.vocab");
  CHECK(damaged([&] { write_file(index, "{}"); }) == "error: FOLDER/m/model.safetensors.index.json: has no weight_map");
  CHECK(damaged([&] { write_file(index, R"({"weight_map": {"a": "../b"}})"); }) ==
        "error: FOLDER/m/model.safetensors.index.json: weight_map gives 'a' no file name");
  CHECK(damaged([&] { write_file(index, R"({"weight_map": {"a": "b"}})"); }) ==
        "error: FOLDER/m/b: cannot be opened: No such file or directory");
}

TEST_CASE("a damaged safetensors file is refused") {
  auto with_header = [](const std::string& header, uint64_t length, const std::string& data) {
    Cleared cleared;
    write_file(kFolder / "m", std::string(reinterpret_cast<const char*>(&length), 8) + header + data);
    return refusal(kFolder / "m");
  };
  auto said = [&](const std::string& header) { return with_header(header, header.size(), std::string(16, '\0')); };
  auto entry = [&](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return said(R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}");
  };
  CHECK(entry("F32", "[2,2]", "[0,16]").empty());
  CHECK(with_header("{}", 3, "") ==
        "error: FOLDER/m: byte 8: the header needs 3 bytes, but 2 are left; the file is cut short or damaged");
  CHECK(with_header("{}", ~0ULL, "") ==
        "error: FOLDER/m: byte 8: the header has 18446744073709551615 bytes; safetensors allows 100000000");
  CHECK(said("{not JSON}") == "error: FOLDER/m: byte 8: the header is not a JSON object");
  CHECK(said(R"({"a":)" + std::string(2'000'000, '[')) == "error: FOLDER/m: byte 8: the header is not a JSON object");
  CHECK(said(R"({"a":)" + std::string(300'000, '[') + std::string(300'000, ']') + "}") ==
        "error: FOLDER/m: tensor 'a' lacks dtype, shape or data_offsets");
  CHECK(said("[1, 2, 3]") == "error: FOLDER/m: is neither a ggml file of whisper.cpp nor a safetensors file");
  CHECK(said(R"({"a":{"dtype":"F32"}})") == "error: FOLDER/m: tensor 'a' lacks dtype, shape or data_offsets");
  CHECK(entry("F8_E4M3", "[16]", "[0,16]") == "error: FOLDER/m: tensor 'a' has dtype F8_E4M3, which npurt does not read");
  CHECK(entry("F32", "[2,2]", "[0,32]") ==
        "error: FOLDER/m: tensor 'a' lies at bytes 0 to 32 of 16; the file is cut short or damaged");
  CHECK(entry("F32", "[2,2]", "[16,0]") ==
        "error: FOLDER/m: tensor 'a' lies at bytes 16 to 0 of 16; the file is cut short or damaged");
  CHECK(entry("F32", "[2,2]", "[-1,16]") == "error: FOLDER/m: tensor 'a' has offsets that are not whole numbers");
  CHECK(entry("F32", "[2,3]", "[0,16]") == "error: FOLDER/m: tensor 'a' has 16 bytes, but its shape needs 24");
  CHECK(entry("F32", "[2,-2]", "[0,16]") == "error: FOLDER/m: tensor 'a' has a shape that is not made of whole numbers");
  CHECK(entry("F32", "[4294967296,4294967296]", "[0,0]").ends_with("tensor 'a' is impossibly large"));
  CHECK(entry("F32", "[0,18446744073709551615]", "[0,0]").ends_with("tensor 'a' is impossibly large"));
  CHECK(entry("F32", "[1,1,1,1,1,1,4]", "[0,16]") == "error: FOLDER/m: tensor 'a' has more than 6 dimensions");
  CHECK(said(R"({"a":{"dtype":"I8","shape":[9],"data_offsets":[0,9]},"b":{"dtype":"I8","shape":[8],"data_offsets":[8,16]}})") ==
        "error: FOLDER/m: tensor 'b' overlaps tensor 'a'");
  CHECK(said(R"({"__metadata__":{"config":"[]"}})") == "error: FOLDER/m: __metadata__ config is not a JSON object");
  CHECK(said(R"({"__metadata__":{"config":"{\"kind\":\"whisper\"}"}})") == "error: FOLDER/m: config key 'n_mels' is missing");
}

TEST_CASE("a damaged config or vocabulary of npurt's own layout is refused") {
  Cleared cleared;
  write_ggml(model(), kFolder / "ggml", "f32");
  const json good = json::parse(Weights::open(kFolder / "ggml")->config());
  auto said = [&](const char* key, const json& value) {
    json c = good;
    c[key] = value;
    write_npurt(model(), kFolder / "m", c.dump());
    return refusal(kFolder / "m");
  };
  CHECK(said("n_mels", 80).empty());
  CHECK(said("n_mels", "80") == "error: FOLDER/m: config key 'n_mels' is not a whole number");
  CHECK(said("n_text_head", 3) == "error: FOLDER/m: 32 text states do not divide into 3 heads");
  CHECK(said("eot", 99999) == "error: FOLDER/m: config key 'eot' is not a token id");
  CHECK(said("multilingual", 1) == "error: FOLDER/m: config key 'multilingual' is not true or false");
  CHECK(said("languages", {{"en"}}) == "error: FOLDER/m: config key 'languages' holds something that is not [code, token id]");
  CHECK(said("suppress", {-1}) == "error: FOLDER/m: config key 'suppress' holds something that is not a token id");

  write_npurt(model(), kFolder / "m", good.dump());
  std::string bytes = read_file(kFolder / "m");
  const json header = json::parse(bytes.substr(8, *reinterpret_cast<const uint64_t*>(bytes.data())));
  const size_t data = 8 + *reinterpret_cast<const uint64_t*>(bytes.data());
  const uint32_t far = 0x7FFFFFFF;
  std::memcpy(bytes.data() + data + header["vocab.offsets"]["data_offsets"][0].get<size_t>() + 4 * 7, &far, 4);
  write_file(kFolder / "m", bytes);
  CHECK(refusal(kFolder / "m") == "error: FOLDER/m: tensor 'vocab.offsets' is damaged at value 7");
}

TEST_CASE("a damaged ggml file is refused") {
  auto damaged = [](const std::function<void(const fs::path&)>& damage) {
    Cleared cleared;
    write_ggml(model(), kFolder / "m", "q8_0");
    damage(kFolder / "m");
    return refusal(kFolder / "m");
  };
  CHECK(damaged([](const fs::path& f) { replace_bytes(f, "", 0, "lmgx"); }) ==
        "error: FOLDER/m: is neither a ggml file of whisper.cpp nor a safetensors file");
  CHECK(damaged([](const fs::path& f) { replace_bytes(f, "", 4, number(51000)); }) ==
        "error: FOLDER/m: n_vocab is 51000; a Whisper model has 51864 to 51866");
  CHECK(damaged([](const fs::path& f) { replace_bytes(f, "", 12, number(static_cast<uint32_t>(-5))); }) ==
        "error: FOLDER/m: n_audio_state is -5; a Whisper model has 1 to 16384");
  CHECK(damaged([](const fs::path& f) { replace_bytes(f, "", 16, number(5)); }) ==
        "error: FOLDER/m: 32 audio states do not divide into 5 heads");
  CHECK(damaged([](const fs::path& f) { replace_bytes(f, "", 48, number(0xFFFFFFFF) + number(0xFFFFFFFF)); }) ==
        "error: FOLDER/m: byte 56: the mel filter table is impossibly large");
  // The last tensor: rank, length of the name, type, dims, innermost first.
  auto tensor = [](size_t at, uint32_t value) {
    return [at, value](const fs::path& f) {
      std::string all = read_file(f);
      const size_t name = all.rfind("encoder.blocks.0.mlp.2.weight");
      write_file(f, all.replace(name - 20 + at, 4, number(value)));
    };
  };
  CHECK(damaged(tensor(0, 9)).ends_with("a tensor has 9 dimensions"));
  CHECK(damaged(tensor(4, 0x7FFFFFFF)).find("a tensor's name needs 2147483647 bytes, but ") != std::string::npos);
  CHECK(damaged(tensor(8, 3)).ends_with("a tensor has ggml type 3; npurt reads f32, f16, q4_0, q5_0, q5_1 and q8_0"));
  CHECK(damaged(tensor(12, 100)).ends_with("tensor 'encoder.blocks.0.mlp.2.weight' has rows that are not made of whole blocks"));
  CHECK(damaged(tensor(12, 0xFFFFFFE0)).find("tensor 'encoder.blocks.0.mlp.2.weight' needs ") != std::string::npos);
}
