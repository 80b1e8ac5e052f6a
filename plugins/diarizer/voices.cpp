#include "voices.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "encoder.hpp"

namespace diarizer {

using nlohmann::json;

namespace {
// Cosines of means over 10 s and more (docs/diarization.md): above the first, one voice; below the second, another.
constexpr float kSame = 0.9F, kKnown = 0.75F;
}  // namespace

std::vector<Voice> read_voices(npurt::Host host) {
  const std::string text = host.option("enroll", "");
  if (text.empty()) return {};
  const json given = json::parse(text, nullptr, false);
  if (!given.is_object())
    throw npurt::BadConfig("option 'enroll' is '" + text.substr(0, 60) +
                           "'; wanted voices as npurt run makes them of NAME=FILE, in JSON");
  std::vector<Voice> voices;
  for (const auto& [name, values] : given.items()) {
    Voice v{name, {}};
    for (const json& x : values)
      if (x.is_number()) v.embedding.push_back(x.get<float>());
    const float length = v.embedding.size() == kEmbedding ? dot(v.embedding.data(), v.embedding.data()) : 0;
    if (values.size() != kEmbedding || !(length > 0 && std::isfinite(length)))
      throw npurt::BadConfig("option 'enroll': the voice of '" + name + "' is not " + std::to_string(kEmbedding) + " numbers");
    normalise(v.embedding.data());
    for (const Voice& other : voices)
      if (const float cosine = dot(v.embedding.data(), other.embedding.data()); cosine >= kSame) {
        char number[32];
        std::snprintf(number, sizeof number, "%.2f", static_cast<double>(cosine));
        throw npurt::BadConfig("the enrolled names '" + other.name + "' and '" + name + "' have the same voice (cosine " +
                               number + ")");
      }
    voices.push_back(std::move(v));
  }
  return voices;
}

std::vector<Known> recognise(const std::vector<float>& speakers, const std::vector<Voice>& voices) {
  const size_t n = speakers.size() / kEmbedding;
  std::vector<Known> known(n);
  std::vector<bool> taken(voices.size());
  for (size_t round = 0; round < std::min(n, voices.size()); ++round) {
    float best = kKnown;
    size_t who = n, as = 0;
    for (size_t s = 0; s < n; ++s)
      for (size_t v = 0; v < voices.size() && known[s].name.empty(); ++v)
        if (const float c = dot(speakers.data() + s * kEmbedding, voices[v].embedding.data()); !taken[v] && c >= best) {
          best = c;
          who = s;
          as = v;
        }
    if (who == n) break;
    known[who] = {voices[as].name, best};
    taken[as] = true;
  }
  return known;
}

}  // namespace diarizer
