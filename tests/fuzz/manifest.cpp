#include "../../kernels/manifest.hpp"

#include "fuzz.hpp"

// A kernel's manifest; what is read of it becomes C++.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const npurt_test::Folder scratch;
  static const auto source = scratch.write("kernel.cc", {});
  npurt_fuzz::refuse_or_read([&] {
    npurt_kernels::manifest_header({npurt_kernels::read_manifest(scratch.write("kernel.yaml", npurt_fuzz::text(data, size)))});
  });
  return 0;
}
