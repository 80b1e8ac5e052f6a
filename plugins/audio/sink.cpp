#include <cerrno>
#include <cstdio>

#include "stages.hpp"

namespace audio {

namespace {
std::string format_name(npurt::Host host) {
  const std::string name = host.option("format", "txt");
  if (name.empty() || name[0] == '$') return "txt";  // not known before a run
  return name;
}
}  // namespace

void TranscriptSink::plan(npurt::Host host, npurt::Specs, npurt::Outs) {
  if (!make_format(format_name(host)))
    throw npurt::BadConfig("format is '" + format_name(host) + "'; wanted txt, json, srt, vtt or tsv");
}

TranscriptSink::TranscriptSink(npurt::Host) {}

TranscriptSink::~TranscriptSink() {
  if (file_ && file_ != stdout) std::fclose(file_);
}

void TranscriptSink::begin(npurt::Host host) {
  if (file_ && file_ != stdout) std::fclose(file_);  // of a run that failed half-way
  path_ = host.option("path", "-");
  if (path_.empty()) path_ = "-";
  format_ = make_format(format_name(host));
  if (!format_) throw npurt::BadConfig("format is '" + format_name(host) + "'; wanted txt, json, srt, vtt or tsv");
  file_ = path_ == "-" ? stdout : std::fopen(path_.c_str(), "w");
  if (!file_) throw npurt::BadConfig(path_ + ": cannot be written: " + std::strerror(errno));
  put(format_->head());
}

void TranscriptSink::put(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() || std::fflush(file_) != 0)
    throw npurt::BadConfig((path_ == "-" ? "standard output" : path_) + ": cannot be written: " + std::strerror(errno));
}

void TranscriptSink::finish() {
  put(format_->tail());
  std::FILE* done = file_;
  file_ = nullptr;
  format_.reset();
  if (done != stdout && std::fclose(done) != 0) throw npurt::BadConfig(path_ + ": cannot be written: " + std::strerror(errno));
}

void TranscriptSink::run(npurt::Call& call) {
  if (!format_ || (call.index() == 0 && !call.end())) begin(call.host());
  if (call.end()) return finish();
  const auto packet = nlohmann::json::parse(call.text(0), nullptr, false);
  if (!packet.is_object()) throw npurt::Bug("'segments' is not a JSON object");
  put(format_->packet(packet));
}

}  // namespace audio
