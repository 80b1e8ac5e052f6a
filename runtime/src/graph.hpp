#pragma once

#include <npurt/runtime.hpp>

namespace npurt {

// load_graph on text; blocks are found beside `file`, which need not exist. Throws Error(input) with every mistake found.
Graph parse_graph(const std::string& text, const std::string& file, const GraphOptions& options);

// Gives nodes the candidates of options.use; adds to `errors` the patterns that match none.
void apply_use(Graph& graph, const GraphOptions& options, std::vector<Diagnostic>& errors);

// Fills in port names that were left out, and adds to `errors` what is wrong with the connections of built-in ops.
void check_graph(Graph& graph, std::vector<Diagnostic>& errors);

}  // namespace npurt
