// What the CLI says to a command line that it does not understand.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace npurt::cli {

// One error, what was probably meant, and the help that fits: "there is no option '--fromat'", "did you mean '--format'?".
std::string usage_text(const CLI::App& app, const CLI::Error& error);

}  // namespace npurt::cli
