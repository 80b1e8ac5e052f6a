// One model in every layout that keeps its values gives the same tokens through the whole graph.
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <npurt/runtime.hpp>

#include "catch.hpp"
#include "tiny_model.hpp"

using namespace npurt;
using namespace npurt_test;
namespace fs = std::filesystem;

TEST_CASE("every exact layout of a model gives the same tokens") {
  const fs::path folder = fs::temp_directory_path() / ("npurt-model-runs-" + std::to_string(::getpid()));
  TinyModel model = tiny_model();
  // What whisper.cpp's files lack is derived from the vocabulary; the other layouts are given the same.
  write_ggml(model, folder / "ggml-f32.bin", "f32");
  const auto config = nlohmann::json::parse(model_info(folder / "ggml-f32.bin").config);
  model.suppress = config["suppress"].dump();
  model.suppress_begin = config["suppress_begin"].dump();
  write_ggml(model, folder / "ggml-f16.bin", "f16");
  write_ggml(model, folder / "ggml-q8_0.bin", "q8_0");
  for (const char* type : {"f32", "f16", "i8"}) write_ctranslate2(model, folder / (std::string("ct2-") + type), type);
  for (const char* type : {"F32", "F16", "BF16"})
    write_huggingface(model, folder / (std::string("hf-") + type), type, type[0] == 'B', "model.");
  write_npurt(model, folder / "npurt.safetensors", config.dump());

  Catalog catalog({NPURT_PLUGIN_DIR});
  nlohmann::json first;
  for (const char* name : {"ggml-f32.bin", "ggml-f16.bin", "ggml-q8_0.bin", "ct2-f32", "ct2-f16", "ct2-i8", "hf-F32", "hf-F16",
                           "hf-BF16", "npurt.safetensors"}) {
    INFO(name);
    GraphOptions options;
    options.set = {{"model", (folder / name).string()},
                   {"precision", "f32"},
                   {"windows", "fixed"},
                   {"temperature", "0"},
                   {"timestamps", "false"}};
    Plan plan = make_plan(load_graph(NPURT_SOURCE_DIR "/graphs/transcribe.yaml", options), catalog);
    RunOptions run;
    run.input = NPURT_SOURCE_DIR "/graphs/samples/jfk.wav";
    run.values = {{"output", (folder / "out.json").string()}, {"format", "json"}};
    run_plan(plan, run);
    const auto result = nlohmann::json::parse(read_file(folder / "out.json"));
    std::vector<int> tokens;
    for (const auto& segment : result["segments"])
      for (const auto& token : segment["tokens"]) tokens.push_back(token);
    if (first.is_null()) first = tokens;
    CHECK(tokens.size() > 3);
    CHECK(first == tokens);
  }
  fs::remove_all(folder);
}
