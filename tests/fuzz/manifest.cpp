#include "../../kernels/manifest.hpp"

#include "fuzz.hpp"

// A kernel's manifest; what is read of it becomes C++.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const npurt_fuzz::Scratch scratch;
  static const auto source = scratch.write("kernel.cc", data, 0);
  npurt_fuzz::refuse_or_read(
      [&] { npurt_kernels::manifest_header({npurt_kernels::read_manifest(scratch.write("kernel.yaml", data, size))}); });
  return 0;
}
