#include <cmath>
#include <nlohmann/json.hpp>

#include "overlap.hpp"
#include "stages.hpp"

namespace diarizer {

using nlohmann::json;

namespace {

int whole(npurt::Host host, const char* name, int otherwise, int low) {
  const double x = host.number(name, otherwise, low, 100);
  if (x != std::floor(x))
    throw npurt::BadConfig(std::string("option '") + name + "' is '" + host.option(name) + "'; wanted a whole number");
  return static_cast<int>(x);
}

Bounds read_bounds(npurt::Host host) {
  Bounds b;
  b.threshold = static_cast<float>(host.number("threshold", b.threshold, 0.01, 1));
  b.least = whole(host, "min_speakers", b.least, 1);
  b.most = whole(host, "max_speakers", b.most, 1);
  if (b.least > b.most)
    throw npurt::BadConfig("min_speakers is " + std::to_string(b.least) + ", which is more than max_speakers, " +
                           std::to_string(b.most));
  // 0 stands for "find out", so that a graph may always pass the option on.
  if (const int n = whole(host, "num_speakers", 0, 0)) b.least = b.most = n;
  return b;
}

// Enrolled names, and S1, S2, … for the others, in order of first appearance.
json document(const std::vector<Turn>& turns, double seconds, const std::vector<Known>& known) {
  json speakers = json::array(), list = json::array();
  std::vector<int> seen;
  size_t unknown = 0;
  for (const Turn& t : turns) {
    auto it = std::find(seen.begin(), seen.end(), t.speaker);
    if (it == seen.end()) {
      it = seen.insert(it, t.speaker);
      const Known& who = known[static_cast<size_t>(t.speaker)];
      speakers.push_back({{"label", who.name.empty() ? "S" + std::to_string(++unknown) : who.name}, {"seconds", 0.0}});
      if (!who.name.empty()) speakers.back()["cosine"] = who.cosine;
    }
    json& speaker = speakers[static_cast<size_t>(it - seen.begin())];
    const double end = std::min(t.end, seconds);
    speaker["seconds"] = speaker["seconds"].get<double>() + end - t.begin;
    list.push_back({{"start", t.begin}, {"end", end}, {"speaker", speaker["label"]}, {"overlap", t.overlap}});
  }
  return {{"duration", seconds}, {"speakers", speakers}, {"turns", list}};
}

}  // namespace

void Diarize::plan(npurt::Host host, npurt::Specs, npurt::Outs out) {
  read_bounds(host);
  read_voices(host);
  out[0] = npurt::Spec(NPURT_JSON, {NPURT_UNKNOWN});
}

Diarize::Diarize(npurt::Host host)
    : bounds_(read_bounds(host)), voices_(read_voices(host)), threads_(host.threads()), listener_(host) {}

void Diarize::run(npurt::Call& call) {
  if (!call.end()) {
    listener_.push(call);
    return call.skip();
  }
  const Heard heard = listener_.finish(call.host());
  const std::vector<float> speakers = find_speakers(heard.windows, bounds_.blurred(heard.blur), threads_);
  const std::vector<int> labels = label(heard.windows, speakers);
  const auto turns = with_overlap(turns_of(heard.regions, heard.windows, labels), heard.regions, heard.windows,
                                  second_speakers(heard.regions, heard.windows, speakers, labels));
  call.put_text(0, document(turns, heard.seconds, recognise(speakers, voices_)).dump());
}

}  // namespace diarizer
