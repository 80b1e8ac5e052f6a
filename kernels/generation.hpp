// configs/devices.yaml: what each generation of the NPU has. Compiled into a table at build time, like the manifests.
#pragma once

#include <filesystem>
#include <string>

namespace npurt_kernels {

// Reads the file strictly and returns it as a C++ header. Throws npurt::Error(input) with every mistake and its place.
std::string generation_header(const std::filesystem::path& devices);

}  // namespace npurt_kernels
