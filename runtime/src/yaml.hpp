// Strict YAML: what is left when everything that surprises people is refused. The only place that knows yaml-cpp.
#pragma once

#include <npurt/runtime.hpp>
#include <string>
#include <utility>
#include <vector>

namespace npurt {

struct Yaml {
  enum Kind { scalar, map, list } kind = scalar;
  std::string text;  // of a scalar; "" also stands for null
  Place place;
  std::vector<struct YamlItem> items;  // of a map, in order; of a list, with empty keys
  const Yaml* get(const std::string& key) const;
};

struct YamlItem {
  Yaml key, value;
};

// Parses one document. Refused, each with its place in `errors`: anchors, aliases, tags, merge keys, duplicate keys, keys that
// are not text, numbers with a leading zero, more than one document, more than 1 MB, more than 64 levels. After a syntax error
// the result is empty.
Yaml parse_yaml(const std::string& text, const std::string& file, std::vector<Diagnostic>& errors);

}  // namespace npurt
