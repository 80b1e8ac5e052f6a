// What a shared library exports, read from its file without running any of its code.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace npurt {

// Names of the defined, visible symbols in the dynamic symbol table. Boost's library_info is not used: it reads the static
// table, which strip removes, and trusts every offset. Throws std::runtime_error("is not a shared library for this machine")
// or one that says where the file is damaged.
std::vector<std::string> exported_symbols(const std::filesystem::path& file);

}  // namespace npurt
