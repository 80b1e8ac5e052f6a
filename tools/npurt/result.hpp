// What the CLI tells about a finished run.
#pragma once

#include <filesystem>
#include <npurt/runtime.hpp>
#include <string>

namespace npurt::cli {

// A few lines for people: how fast, and which node was not on its first choice, and why.
// `name` begins its last line.
std::string summary(const std::string& name, const Report& report, bool with_table);

// The transcript's JSON with `input`, `origin` (JSON text), `placement` and `timing` added (docs/proof.md). `transcript` is
// returned as it is if it is no JSON object, as after an interrupted run.
std::string with_placement(const std::string& transcript, const std::string& input, const std::string& origin,
                           const Report& report);

// What --report writes: one entry for each input.
std::string run_report(const std::string& graph, const std::vector<std::pair<std::string, Report>>& runs);

}  // namespace npurt::cli
