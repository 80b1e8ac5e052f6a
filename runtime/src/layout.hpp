// Canonical tensor names (docs/models.md) and where each layout keeps them.
#pragma once

#include <string>
#include <vector>

namespace npurt {

// The source tensors whose rows, stacked, make canonical tensor `name`; "" stands for a vector of zeros as long as the one
// before. Empty if the layout has no such tensor. In npurt's own layout every name stands for itself.
std::vector<std::string> sources_of(const std::string& layout, const std::string& name);

// Every canonical name of a Whisper model with these numbers of layers.
std::vector<std::string> canonical_names(int audio_layers, int text_layers);

}  // namespace npurt
