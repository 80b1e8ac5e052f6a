// Voices that are known by name.
#pragma once

#include <npurt/plugin.hpp>
#include <string>
#include <vector>

namespace diarizer {

struct Voice {
  std::string name;
  std::vector<float> embedding;  // [kEmbedding], length 1
};

// Option `enroll`: {"name": [kEmbedding numbers], …} as JSON, or nothing. Throws BadConfig for anything else, and for two names
// with one voice.
std::vector<Voice> read_voices(npurt::Host host);

struct Known {
  std::string name;  // "" for who is nobody's voice
  float cosine = 0;
};
// Who each speaker (embeddings [n, kEmbedding]) is: the nearest pairs first, each voice once, none below a cosine of 0.75.
std::vector<Known> recognise(const std::vector<float>& speakers, const std::vector<Voice>& voices);

}  // namespace diarizer
