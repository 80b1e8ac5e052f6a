// A kernel's manifest, kernel.yaml: what it promises, the tile it works on, what it needs. Compiled into a table at build time,
// so that plugins need no YAML.
#pragma once

#include <cstdint>
#include <filesystem>
#include <npurt/runtime.hpp>
#include <string>
#include <utility>
#include <vector>

namespace npurt_kernels {

struct ManifestBuffer {
  std::string name, type;  // i8, bf16, i16, i32 or f32
  std::vector<uint64_t> shape;
  uint64_t copies = 1;  // 2: filled and used at the same time
  uint64_t bytes() const;
};

struct Manifest {
  std::string op, kernel, signature, source, cycles_source, tolerance_source;
  std::vector<std::string> devices, functions;
  std::vector<std::pair<std::string, uint64_t>> tile;
  std::vector<ManifestBuffer> buffers;
  uint64_t stack = 0;                                    // bytes
  std::vector<std::pair<std::string, uint64_t>> cycles;  // per call, in the order of `functions`
  double tolerance = 0;                                  // relative
  uint64_t memory() const;                               // bytes of a core's data memory: stack and all buffers
  std::string id() const { return op + "_" + kernel; }
};

// Data memory of a core, of both generations.
constexpr uint64_t kCoreMemory = 64 * 1024;

// Reads `file` strictly: unknown keys, wrong types, a signature that is none or that breaks the op's contract, a source that is
// not there, buffers that do not fit a core. Throws npurt::Error(input) with every mistake and its place.
Manifest read_manifest(const std::filesystem::path& file);

// The table as a C++ header: one namespace for each manifest, with its tile as constants.
std::string manifest_header(const std::vector<Manifest>& all);

}  // namespace npurt_kernels
