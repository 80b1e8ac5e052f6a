// A canonical tensor, as the stored tensors that it is made of.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "model_file.hpp"

namespace npurt {

// Rows of these, stacked; a null entry is zeros as long as the first that is not null.
struct Parts {
  std::vector<const Stored*> stored;
  std::vector<std::string> names;
  std::vector<int64_t> dims;  // of the whole
  // Values in a row.
  int64_t row() const;
};

// Canonical tensor `name` in `model`, whose config is `facts`; nothing if it is not all there. A `*` in the name stands for every
// layer. Throws Error(input) where the parts do not fit together.
std::optional<Parts> find_parts(const ModelFile& model, const nlohmann::json& facts, const std::string& name);

}  // namespace npurt
