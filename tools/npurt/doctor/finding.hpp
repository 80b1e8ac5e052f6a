// What `npurt doctor` looks at, one line each.
#pragma once

#include <filesystem>
#include <npurt/runtime.hpp>
#include <string>
#include <vector>

namespace npurt::cli {

struct Finding {
  enum State { ok, note, problem };  // note: npurt runs without it
  State state;
  std::string area, text;
  std::string fix;  // one line, or ""
};
using Findings = std::vector<Finding>;

// Processor, memory limits, system and disk, below `root`.
void look_at_machine(Findings& all, const std::filesystem::path& root = "/");
// NPU, its driver and firmware, and XRT, below `root`; each with what would mend it.
void look_at_npu(Findings& all, const std::filesystem::path& root = "/");
void look_at_plugins(Findings& all, const Catalog& catalog);
// Reads every value of the models that are here.
void look_at_models(Findings& all);
// Transcribes the bundled sample, and says which oneDNN that loaded.
void self_test(Findings& all, Catalog& catalog);

// The first line of a small file; "" if there is none.
std::string line_of(const std::filesystem::path& file);
// `text` with home folder, user and host name replaced by ~, USER and HOST, wherever they stand as words.
std::string without_names(std::string text, const std::string& home, const std::string& user, const std::string& host);

}  // namespace npurt::cli
