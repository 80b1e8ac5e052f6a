// Takes values out of a strict YAML tree, and notes everything that is wrong with its place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "yaml.hpp"

namespace npurt_kernels {

// A letter, then letters, digits and underscores.
bool is_name(const std::string& s);

class Reader {
 public:
  explicit Reader(std::vector<npurt::Diagnostic>& errors) : errors_(errors) {}

  void wrong(const npurt::Yaml& at, const std::string& sentence) { errors_.push_back({at.place, sentence, {}}); }
  // Every key of the map must be one of `names`.
  void keys(const npurt::Yaml& map, const std::vector<std::string>& names);
  // Null, and noted, if the key is missing or of another kind.
  const npurt::Yaml* need(const npurt::Yaml& map, const std::string& key, npurt::Yaml::Kind kind);
  // "" if noted as wrong; never empty otherwise.
  std::string text(const npurt::Yaml& map, const std::string& key);
  // Whole numbers up to 2^40, decimal or 0x….
  uint64_t whole(const npurt::Yaml& value, uint64_t least);
  uint64_t whole(const npurt::Yaml& map, const std::string& key, uint64_t least);
  double real(const npurt::Yaml& map, const std::string& key, double least, double most);
  // A list of names that is not empty; each one of `allowed`, if that is not empty.
  std::vector<std::string> names(const npurt::Yaml& map, const std::string& key, const std::vector<std::string>& allowed = {});

 private:
  std::vector<npurt::Diagnostic>& errors_;
};

}  // namespace npurt_kernels
