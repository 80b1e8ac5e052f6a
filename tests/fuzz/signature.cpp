#include "signature.hpp"

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    npurt::parse_signature(text);
  } catch (const npurt::BadSignature&) {
  }
  try {
    npurt::parse_port(text);
  } catch (const npurt::BadSignature&) {
  }
  return 0;
}
