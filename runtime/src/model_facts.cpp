#include "model_facts.hpp"

#include <nlohmann/json.hpp>

namespace npurt {

std::optional<std::string> ModelFacts::find(const std::string& model, const std::string& key,
                                            const std::filesystem::path& folder) {
  const ModelFinding found = find_model(model, folder);
  if (found.path.empty()) {
    std::vector<std::pair<std::string, std::string>> details;
    for (const auto& l : found.looked_in) details.push_back({"tried", l});
    details.push_back({"hint", "npurt model list"});
    throw Error(Exit::input, {Diagnostic{{}, "model '" + model + "' is not found", details}});
  }
  auto& weights = open_[model];
  if (!weights) weights = Weights::shared(found.path);
  const auto facts = nlohmann::json::parse(weights->config(), nullptr, false);
  if (!facts.is_object() || !facts.contains(key)) return {};
  return facts[key].is_string() ? facts[key].get<std::string>() : facts[key].dump();
}

}  // namespace npurt
