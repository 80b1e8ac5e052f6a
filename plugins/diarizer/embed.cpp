#include <nlohmann/json.hpp>

#include "stages.hpp"

namespace diarizer {

void EmbedSpeaker::run(npurt::Call& call) {
  if (!call.end()) {
    listener_.push(call);
    return call.skip();
  }
  const Heard heard = listener_.finish(call.host());
  if (heard.regions.empty())
    throw npurt::BadConfig(call.host().option("name", "the file") + ": holds no speech, so it has no voice to learn");
  std::vector<float> voice(kEmbedding);
  for (int i = 0; i < heard.windows.count(); ++i)
    for (int j = 0; j < kEmbedding; ++j) voice[static_cast<size_t>(j)] += heard.windows.at(i)[j];
  normalise(voice.data());
  double speech = 0;
  for (const Span& r : heard.regions) speech += r.end - r.begin;
  call.put_text(0, nlohmann::json{{"seconds", speech}, {"embedding", voice}}.dump());
}

}  // namespace diarizer
