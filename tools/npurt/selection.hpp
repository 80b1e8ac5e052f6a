// What `run` and `plan` share: which graph, with which values, candidates and plugins.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <npurt/runtime.hpp>
#include <string>
#include <vector>

namespace npurt::cli {

struct Selection {
  std::string graph;
  std::vector<std::string> set, use, isolate, require, plugin_path;
  std::string npu = "auto", log_level = "warn", policy, tuning;
  bool strict = false;
  int threads = 0;

  void add_to(CLI::App& command);          // the graph, and its choices
  void add_choices_to(CLI::App& command);  // all but the graph
  // Both throw Error: usage for an option that is no NAME=VALUE, and what load_graph and make_plan throw.
  Graph load() const;
  Plan plan(const Graph& graph, Catalog& catalog) const;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;
// Each text as NAME=VALUE; throws Error(usage) naming `option` and the `form` it has.
Pairs pairs(const char* option, const char* form, const std::vector<std::string>& texts);

// `transcribe` means the installed graph of that name, unless there is such a file here.
std::filesystem::path graph_file(const std::string& text);
void add_plugin_path(CLI::App& command, std::vector<std::string>& folders);
Catalog open_catalog(const std::vector<std::string>& plugin_path);

}  // namespace npurt::cli
