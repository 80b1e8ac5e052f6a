#include "fuzz.hpp"
#include "model_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const npurt_test::Folder scratch;
  const auto file = scratch.write("ggml.bin", npurt_fuzz::text(data, size));
  npurt_fuzz::refuse_or_read([&] { npurt::read_ggml(file); });
  return 0;
}
