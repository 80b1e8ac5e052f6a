#include "stages.hpp"

namespace audio {

namespace {

std::string format_name(npurt::Host host) {
  const std::string name = host.option("format", "txt");
  return name.empty() || name[0] == '$' ? "txt" : name;  // not known before a run
}

std::unique_ptr<Format> format_of(npurt::Host host) {
  const std::string name = format_name(host);
  if (auto format = make_format(name, host.option("name", ""))) return format;
  throw npurt::BadConfig("format is '" + name + "'; wanted txt, json, srt, vtt, tsv or rttm");
}

}  // namespace

void TranscriptSink::plan(npurt::Host host, npurt::Specs, npurt::Outs) { format_of(host); }

TranscriptSink::TranscriptSink(npurt::Host) {}

void TranscriptSink::begin(npurt::Host host) {
  output_.reset();  // of a run that failed half-way
  format_ = format_of(host);
  const std::string path = host.option("path", "-");
  output_ = std::make_unique<Output>(path.empty() ? "-" : path);
  output_->put(format_->head());
}

void TranscriptSink::run(npurt::Call& call) {
  if (!output_ || (call.index() == 0 && !call.end())) begin(call.host());
  if (call.index() == 0 && call.has(1)) {
    const auto turns = nlohmann::json::parse(call.text(1), nullptr, false);
    if (!turns.is_object()) throw npurt::Bug("'turns' is not a JSON object");
    format_->turns(turns);
  }
  if (call.end()) {
    output_->put(format_->tail());
    output_->finish();
    output_.reset();
    return;
  }
  if (!call.has(0)) return;
  const auto packet = nlohmann::json::parse(call.text(0), nullptr, false);
  if (!packet.is_object()) throw npurt::Bug("'segments' is not a JSON object");
  output_->put(format_->packet(packet));
}

}  // namespace audio
