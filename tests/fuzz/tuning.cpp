#include "tuning.hpp"

#include <cmath>

#include "fuzz.hpp"

// A tuning cache: whatever is in the file, what comes out is a whole line with a time.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const auto& [key, seconds] : npurt::parse_tunings(text))
    if (!std::isfinite(seconds) || seconds <= 0 || text.find("\t" + key + "\n") == std::string::npos) std::abort();
  return 0;
}
