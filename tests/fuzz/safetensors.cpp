#include "fuzz.hpp"
#include "weights.hpp"

// A safetensors file as a model: every tensor is read as f32 and as int8 rows.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const npurt_test::Folder scratch;
  const auto file = scratch.write("model.safetensors", npurt_fuzz::text(data, size));
  npurt_fuzz::refuse_or_read([&] {
    const auto weights = npurt::Weights::open(file);
    for (const auto& t : weights->info().tensors) {
      npurt_tensor x{};
      weights->tensor(t.name, NPURT_F32, x);
      weights->tensor(t.name, NPURT_I8, x);
    }
  });
  return 0;
}
