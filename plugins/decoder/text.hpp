// Tokens and text.
#pragma once

#include "model.hpp"

namespace decoder {

// The bytes of all tokens below eot, joined; every broken UTF-8 sequence becomes U+FFFD.
std::string text_of(const Model& model, const std::vector<int>& tokens);
// Byte-pair encoding; a lower id is an earlier merge.
std::vector<int> tokens_of(const Model& model, const std::string& text);
// Length of the text over its length when deflated (openai/whisper utils.py compression_ratio): high when it repeats itself.
double compression_ratio(const std::string& text);

}  // namespace decoder
