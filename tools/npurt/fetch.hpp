// Fetching files by the programs that every Debian has for it.
#pragma once

#include <filesystem>
#include <npurt/runtime.hpp>
#include <string>

namespace npurt::cli {

// sha256 of a file, by sha256sum. Throws Error(run_failed).
std::string sha256(const std::filesystem::path& file);

// Brings `file` to `target`, from the first source whose sha256 is right. `downloads` keeps what was fetched only in
// part, for the next try. Throws Error(run_failed) saying what each source came to.
void fetch(const KnownFile& file, const std::filesystem::path& target, const std::filesystem::path& downloads);

}  // namespace npurt::cli
