#include "graph.hpp"

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  npurt::GraphOptions options;
  options.fact = [](const std::string&, const std::string& key, const std::filesystem::path&) -> std::optional<std::string> {
    if (key.empty()) return {};
    return "4";
  };
  const std::string text(reinterpret_cast<const char*>(data), size);
  npurt_fuzz::refuse_or_read([&] { npurt::parse_graph(text, "fuzz/graph.yaml", options); });
  return 0;
}
