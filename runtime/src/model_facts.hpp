// Facts of models, for "$model.n_audio_layer" in a graph: from the model files, each opened once.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "weights.hpp"

namespace npurt {

class ModelFacts {
 public:
  // Fact `key` of a model as find_model finds it from `folder`. Throws Error(input) where it is not found.
  std::optional<std::string> find(const std::string& model, const std::string& key, const std::filesystem::path& folder);

 private:
  std::map<std::string, std::shared_ptr<Weights>> open_;
};

}  // namespace npurt
