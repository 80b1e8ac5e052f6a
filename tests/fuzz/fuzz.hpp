// A fuzz target gives bytes to one parser. Refusing them is right; anything else that is thrown, and any crash, is a bug.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <npurt/runtime.hpp>
#include <string>
#include <string_view>

#include "../folder.hpp"

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

inline std::string_view text(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace npurt_fuzz
