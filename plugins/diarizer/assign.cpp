#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "stages.hpp"

namespace diarizer {

using nlohmann::json;

namespace {

// The speaker of most overlap with [start, end], or of the nearest turn; "" without turns.
std::string speaker_of(const json& turns, double start, double end) {
  std::map<std::string, double> shared;
  std::string best;
  double distance = std::numeric_limits<double>::max();
  for (const json& t : turns) {
    if (t.value("overlap", false)) continue;  // a turn without overlap is there too
    const double a = t.at("start"), b = t.at("end");
    if (const double both = std::min(b, end) - std::max(a, start); both > 0) shared[t.at("speaker")] += both;
    if (const double away = std::max({a - end, start - b, 0.0}); away < distance) {
      distance = away;
      best = t.at("speaker");
    }
  }
  double most = 0;
  for (const auto& [name, seconds] : shared)
    if (seconds > most) {
      most = seconds;
      best = name;
    }
  return best;
}

// A segment of a run of words by one speaker.
json part(const json& segment, const json& words) {
  json s = segment;
  std::string text;
  json tokens = json::array();
  for (const json& w : words) {
    text += w.at("word").get<std::string>();
    for (const json& t : w.value("tokens", json::array())) tokens.push_back(t);
  }
  s["text"] = text;
  s["tokens"] = tokens;
  s["words"] = words;
  s["start"] = words.front().at("start");
  s["end"] = words.back().at("end");
  s["speaker"] = words.front().at("speaker");
  return s;
}

}  // namespace

void AssignSpeakers::run(npurt::Call& call) {
  json packet = json::parse(call.text(0), nullptr, false);
  const json said = json::parse(call.text(1), nullptr, false);
  if (!packet.is_object() || !said.is_object()) throw npurt::Bug("'segments' or 'turns' is not a JSON object");
  const json& turns = said.at("turns");
  json segments = json::array();
  if (!turns.empty())
    for (json& s : packet["segments"]) {
      json words = s.value("words", json::array()), run = json::array();
      for (json& w : words) {
        w["speaker"] = speaker_of(turns, w.at("start"), w.at("end"));
        if (!run.empty() && run.back().at("speaker") != w.at("speaker")) {
          segments.push_back(part(s, run));
          run.clear();
        }
        run.push_back(w);
      }
      if (!run.empty()) {
        segments.push_back(run.size() == words.size() ? s : part(s, run));
        segments.back()["words"] = run;
        segments.back()["speaker"] = run.front().at("speaker");
      } else {
        s["speaker"] = speaker_of(turns, s.at("start"), s.at("end"));
        segments.push_back(s);
      }
    }
  if (!turns.empty()) packet["segments"] = segments;
  call.put_text(0, packet.dump());
}

}  // namespace diarizer
