// A graph file as it is written, before blocks are unrolled and names replaced.
#pragma once

#include <memory>
#include <optional>
#include <set>

#include "yaml.hpp"

namespace npurt {

struct Link {
  std::string port, node, output;  // port "" is the only input, output "" the only output
  Place place;
};

struct Entry {
  std::string id;
  Place place;
  Setting op, block, repeat;  // value "" where absent
  std::vector<Link> in;
  std::vector<Use> use;                            // of an op
  std::map<std::string, std::vector<Use>> use_op;  // of a block: candidates per op
  std::vector<std::pair<std::string, Setting>> with;
  double isolate_s = 0;
};

struct Document {
  std::string file, name;
  int queue = 2;
  std::string policy = "declared";
  std::vector<Parameter> parameters;  // value holds the default
  std::set<std::string> required;     // parameters without a default
  std::vector<GraphPort> inputs;
  std::vector<Link> outputs;  // port: the output's name
  std::vector<Entry> nodes;

  const Entry* find(const std::string& id) const;
};

// Checks every key. Mistakes go to `errors`; what could be read is returned.
Document read_document(const std::string& text, const std::string& file, std::vector<Diagnostic>& errors);

// The text of a graph file. Throws Error(input) if it cannot be read.
std::string read_text(const std::filesystem::path& file);

// Seconds that a call in a child process may be silent: of "true" as many as usual, of "false" 0, else the number that `text` is;
// nothing if it is none.
std::optional<double> isolate_seconds(const std::string& text);

// "a, b" or a list of candidates written as plugin or plugin:kernel.
std::vector<Use> split_candidates(const std::string& text, const Place& place);

}  // namespace npurt
