// How a transcript is written.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace audio {

struct Segment {
  int id = 0;
  double start = 0, end = 0;  // seconds of the file; monotone
  std::string text;           // valid UTF-8, trimmed, one line
  std::string speaker;        // "" if nobody knows
  nlohmann::json more;        // all that the decoder said of it
};

class Format {
 public:
  virtual ~Format() = default;
  virtual std::string head() { return ""; }
  virtual std::string segment(const Segment& s) = 0;
  virtual std::string tail() { return ""; }

  // Who spoke when, as op diarize says it; before the first packet.
  virtual void turns(const nlohmann::json&) {}
  // One packet of `segments`: the text to write for it. Segment ids, and times that never go back, run over the whole file.
  std::string packet(const nlohmann::json& p);

 protected:
  // Sees each packet before its segments.
  virtual void note(const nlohmann::json&) {}
  double length_ = 0;  // end of the last window, seconds

 private:
  int next_id_ = 0;
  double last_ = 0;
};

// Null if `name` is none of txt, json, srt, vtt, tsv, rttm. `recording` names the file within the document.
std::unique_ptr<Format> make_format(const std::string& name, const std::string& recording = "");

}  // namespace audio
