// A fuzz target gives bytes to one parser. Refusing them is right; anything else that is thrown, and any crash, is a bug.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <npurt/runtime.hpp>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace npurt_fuzz {

// Runs `read`; an Error must blame the input and say something.
template <typename Read>
void refuse_or_read(Read read) {
  try {
    read();
  } catch (const npurt::Error& e) {
    if (e.code != npurt::Exit::input || e.diagnostics.empty() || e.diagnostics[0].message.empty()) std::abort();
  }
}

// A folder of this process, removed when it ends.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "npurt-fuzz-XXXXXX").string();
    if (!::mkdtemp(name.data())) std::abort();
    path_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const uint8_t* data, size_t size) const {
    std::ofstream(path_ / name, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace npurt_fuzz
