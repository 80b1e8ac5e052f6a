#pragma once

#include <nlohmann/json.hpp>

#include "model_file.hpp"

namespace npurt {

// Throws Error(input) naming the first tensor of a Whisper model that is missing, or has another shape than its config says.
void check_whisper_shapes(const ModelFile& model, const nlohmann::json& config);

}  // namespace npurt
