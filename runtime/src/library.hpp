// One plugin library: checked before any of its code runs, loaded once, never unloaded.
#pragma once

#include <npurt/abi.h>

#include <filesystem>
#include <npurt/runtime.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "signature.hpp"

namespace npurt {

// One stage of a loaded plugin. Lives as long as the process.
struct Stage {
  const npurt_stage* face;
  std::string plugin, kernel, device;  // plugin "": of the runtime, and never isolated
  Signature signature;                 // its own: the op's, or narrower
  bool stream() const { return face->state == NPURT_STREAM; }
  std::string candidate() const { return kernel.empty() ? plugin : plugin + ":" + kernel; }
};

struct Library {
  std::string name, version;
  std::filesystem::path file;
  std::vector<Stage> stages;  // best first
};

// Why a library cannot be used: "libnpurt_fft.so: …", "libnpurt_fft.so speaks …".
struct Unusable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// "fft" for libnpurt_fft.so, "" for other files.
std::string plugin_name(const std::filesystem::path& file);

// Checks the symbols of a library, loads it and checks what it says of itself. The second call gives the same object. Throws
// Unusable. Call it on the main thread.
const Library& load_library(const std::filesystem::path& file);

// What load_library finds, found by a child process with a time limit. Never throws: `error` is the sentence.
PluginInfo probe_library(const std::filesystem::path& file);

// The built-in op `name`; null if there is none.
const Signature* builtin_op(const std::string& name);

}  // namespace npurt
