#pragma once

#include <npurt/runtime.hpp>

namespace npurt {

// load_graph on text; blocks are found beside `file`, which need not exist. Throws Error(input) with every mistake found.
Graph parse_graph(const std::string& text, const std::string& file, const GraphOptions& options);

}  // namespace npurt
