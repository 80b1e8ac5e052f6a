#include "fuzz.hpp"
#include "model_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const npurt_test::Folder scratch;
  scratch.write("model.bin", npurt_fuzz::text(data, size));
  npurt_fuzz::refuse_or_read([] { npurt::read_ctranslate2(scratch.path()); });
  return 0;
}
