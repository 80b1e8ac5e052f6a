// The conformance kit: what npurt demands of every stage, tried on made-up inputs.
#pragma once

#include <npurt/runtime.hpp>
#include <string>
#include <utility>
#include <vector>

namespace npurt::cli {

struct KitOptions {
  std::filesystem::path library;
  std::vector<std::pair<std::string, std::string>> with;  // options for every stage
  std::string reference;                                  // candidate whose numbers are right; "" if none
  double tolerance = 0.01;                                // of |a - b| / |a|
  int64_t size = 64;                                      // of dims that the signature leaves open
  std::vector<std::string> plugin_path;
};

// Prints a line for each check of each stage. Each stage is tried in a child process with a time limit, so that one that crashes
// or hangs is a line too. True if nothing failed.
bool check_library(const KitOptions& options);

}  // namespace npurt::cli
