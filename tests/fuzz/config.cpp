#include <nlohmann/json.hpp>

#include "fuzz.hpp"
#include "model_config.hpp"
#include "model_file.hpp"

// One JSON text as the unified config, and as every JSON file of a Hugging Face folder.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const npurt_test::Folder scratch;
  const nlohmann::json config = nlohmann::json::parse(data, data + size, nullptr, false);
  npurt_fuzz::refuse_or_read([&] { npurt::check_whisper_config(config, "config"); });
  for (const char* name : {"config.json", "generation_config.json", "tokenizer.json"})
    scratch.write(name, npurt_fuzz::text(data, size));
  const char empty[] = "\2\0\0\0\0\0\0\0{}";
  scratch.write("model.safetensors", {empty, 10});
  npurt_fuzz::refuse_or_read([] { npurt::read_huggingface(scratch.path()); });
  scratch.write("model.safetensors.index.json", npurt_fuzz::text(data, size));
  npurt_fuzz::refuse_or_read([] { npurt::read_huggingface(scratch.path()); });
  std::filesystem::remove(scratch.path() / "model.safetensors.index.json");
  return 0;
}
