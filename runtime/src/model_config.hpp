// The unified config of a Whisper model (docs/models.md), whatever layout it came in.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <unordered_map>
#include <vector>

namespace npurt {

struct WhisperDims {
  int64_t n_mels = 0, n_audio_ctx = 0, n_audio_state = 0, n_audio_head = 0, n_audio_layer = 0;
  int64_t n_vocab = 0, n_text_ctx = 0, n_text_state = 0, n_text_head = 0, n_text_layer = 0;
};

// JSON text. The lists are JSON arrays, or "null" to derive them from the vocabulary as OpenAI's tokenizer.py does. Fills in the
// special tokens that `vocab` lacks. Throws Error(input) naming `file` when the numbers cannot be those of a Whisper model.
std::string whisper_config(const WhisperDims& dims, std::vector<std::string>& vocab, const std::string& suppress,
                           const std::string& suppress_begin, const std::string& alignment_heads, const std::string& file);

// Throws Error(input) naming `file` and the key that is missing, of the wrong type or out of range in a unified config.
void check_whisper_config(const nlohmann::json& config, const std::string& file);

// Raw bytes of a token written in GPT-2's byte-to-unicode alphabet (openai/gpt-2 encoder.py). Characters outside it stay as they
// are.
std::string bytes_of_token(const std::string& token);

// Byte-pair encoding over the first `ordinary` tokens of a vocabulary, where a lower id is an earlier merge (true of GPT-2's).
class BytePairs {
 public:
  BytePairs(const std::vector<std::string>& vocab, int ordinary);
  std::vector<int> encode(const std::string& text) const;

 private:
  std::unordered_map<std::string, int> ids_;
  int none_;
};

}  // namespace npurt
