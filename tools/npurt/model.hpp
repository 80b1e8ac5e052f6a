#pragma once

#include <CLI/CLI.hpp>

namespace npurt::cli {

// `npurt model list|info|verify|pull`
void add_model_commands(CLI::App& app, int& exit_code);

}  // namespace npurt::cli
