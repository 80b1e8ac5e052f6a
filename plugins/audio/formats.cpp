#include "formats.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace audio {

using nlohmann::json;

namespace {

// Milliseconds, so that every format rounds alike.
long long milliseconds(double s) { return std::llround(std::max(0.0, s) * 1000); }

// 00:00:01,500 with the separator before the milliseconds that the format wants.
std::string clock(double s, char separator) {
  const long long ms = milliseconds(s);
  char text[48];
  std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld%c%03lld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, separator,
                ms % 1000);
  return text;
}

std::string one_line(const std::string& text) {
  std::string line;
  for (char c : text) line += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  const size_t a = line.find_first_not_of(' '), b = line.find_last_not_of(' ');
  return a == std::string::npos ? "" : line.substr(a, b - a + 1);
}

// A line for each segment; where speakers are known, a paragraph for each turn; of turns without text, a line for each.
class Text : public Format {
 public:
  void turns(const json& t) override {
    for (const json& turn : t.at("turns"))
      turns_ += clock(turn.at("start"), '.') + " --> " + clock(turn.at("end"), '.') + "  " +
                turn.at("speaker").get<std::string>() + (turn.value("overlap", false) ? " (overlap)\n" : "\n");
  }

 private:
  std::string segment(const Segment& s) override {
    turns_.clear();
    if (s.speaker.empty()) return s.text + "\n";
    if (s.speaker == speaker_) return " " + s.text;
    const std::string before = speaker_.empty() ? "" : "\n\n";
    speaker_ = s.speaker;
    return before + s.speaker + ": " + s.text;
  }
  std::string tail() override { return speaker_.empty() ? turns_ : "\n"; }
  std::string speaker_, turns_;
};

// Subtitles name the speaker in front, as most players show no other way.
std::string spoken(const Segment& s, const std::string& text) { return s.speaker.empty() ? text : s.speaker + ": " + text; }

// As openai/whisper writes it: "-->" would look like a line of times, and SRT has no way to escape it.
class Srt : public Format {
  std::string segment(const Segment& s) override {
    std::string text = s.text;
    for (size_t at = 0; (at = text.find("-->", at)) != std::string::npos;) text.erase(at + 1, 1);
    return std::to_string(s.id + 1) + "\n" + clock(s.start, ',') + " --> " + clock(s.end, ',') + "\n" + spoken(s, text) + "\n\n";
  }
};

// W3C WebVTT: & < > are escaped in cue text.
class Vtt : public Format {
  std::string head() override { return "WEBVTT\n\n"; }
  std::string segment(const Segment& s) override {
    std::string text;
    for (char c : s.text) text += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
    return clock(s.start, '.') + " --> " + clock(s.end, '.') + "\n" + spoken(s, text) + "\n\n";
  }
};

// As openai/whisper writes it: milliseconds. Nothing is quoted, as in IANA's text/tab-separated-values.
class Tsv : public Format {
  std::string head() override { return "start\tend\ttext\n"; }
  std::string segment(const Segment& s) override {
    return std::to_string(milliseconds(s.start)) + "\t" + std::to_string(milliseconds(s.end)) + "\t" + s.text + "\n";
  }
};

// NIST Rich Transcription Time Marked: who spoke when, and nothing else.
class Rttm : public Format {
 public:
  explicit Rttm(const std::string& recording) {
    const size_t slash = recording.find_last_of('/'), from = slash == std::string::npos ? 0 : slash + 1,
                 dot = recording.find_last_of('.');
    name_ = recording.substr(from, dot == std::string::npos || dot <= from ? std::string::npos : dot - from);
    for (char& c : name_)
      if (c == ' ' || c == '\t') c = '_';
    if (name_.empty()) name_ = "audio";
  }
  void turns(const json& t) override { turns_ = t.at("turns"); }

 private:
  std::string segment(const Segment&) override { return ""; }
  std::string tail() override {
    std::string out;
    char line[128];
    for (const json& t : turns_) {
      const double start = t.at("start"), end = t.at("end");
      std::snprintf(line, sizeof line, " 1 %.3f %.3f <NA> <NA> ", start, end - start);
      out += "SPEAKER " + name_ + line + t.at("speaker").get<std::string>() + " <NA> <NA>\n";
    }
    return out;
  }

  std::string name_;
  json turns_ = json::array();
};

// One document, written when the transcript is complete (or stopped).
class Json : public Format {
 public:
  void turns(const json& t) override {
    length_ = std::max(length_, t.value("duration", 0.0));
    speakers_ = {{"count", t.at("speakers").size()}, {"labels", json::array()}, {"talk_s", json::array()}};
    for (const json& s : t.at("speakers")) {
      speakers_["labels"].push_back(s.at("label"));
      speakers_["talk_s"].push_back(s.at("seconds"));
    }
    turns_ = t.at("turns");
  }

 private:
  void note(const json& p) override {
    language_ = p.value("language", language_);
    for (const json& d : p.value("dropped", json::array())) dropped_.push_back(d);
    for (const json& f : p.value("fallbacks", json::array()))
      fallbacks_.push_back({{"start", p.value("start", 0.0)}, {"reason", f}});
    for (const json& r : p.value("regions", json::array()))
      if (r.is_array() && r.size() == 2) speech_ += r[1].get<double>() - r[0].get<double>();
  }
  std::string segment(const Segment& s) override {
    json j = {{"id", s.id}, {"start", s.start}, {"end", s.end}, {"text", s.text}, {"speaker", nullptr}, {"words", json::array()}};
    if (!s.speaker.empty()) j["speaker"] = s.speaker;
    for (json w : s.more.value("words", json::array())) {
      w.erase("tokens");
      j["words"].push_back(w);
    }
    for (const char* key : {"tokens", "avg_logprob", "no_speech_prob", "compression_ratio", "temperature"})
      if (s.more.contains(key)) j[key] = s.more[key];
    segments_.push_back(j);
    text_ += (text_.empty() ? "" : " ") + s.text;
    covered_ += s.end - s.start;
    return "";
  }
  std::string tail() override {
    const json quality = {
        {"speech_s", speech_}, {"covered_s", covered_}, {"dropped", dropped_}, {"loop_breaks", 0}, {"fallbacks", fallbacks_}};
    const json document = {{"text", text_},         {"language", language_}, {"duration", length_}, {"segments", segments_},
                           {"speakers", speakers_}, {"turns", turns_},       {"quality", quality}};
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  }

  std::string text_, language_;
  json segments_ = json::array(), dropped_ = json::array(), fallbacks_ = json::array();
  json speakers_ = {{"count", 0}, {"labels", json::array()}}, turns_ = json::array();
  double speech_ = 0, covered_ = 0;
};

}  // namespace

std::string Format::packet(const json& p) {
  length_ = std::max(length_, p.value("end", 0.0));
  note(p);
  std::string out;
  for (const json& s : p.value("segments", json::array())) {
    Segment segment{next_id_,
                    s.value("start", 0.0),
                    s.value("end", 0.0),
                    one_line(s.value("text", "")),
                    s.value("speaker", json()).is_string() ? s["speaker"].get<std::string>() : "",
                    s};
    if (segment.text.empty()) continue;
    segment.start = std::max(segment.start, last_);
    segment.end = std::max(segment.end, segment.start);
    last_ = segment.end;
    ++next_id_;
    out += this->segment(segment);
  }
  return out;
}

std::unique_ptr<Format> make_format(const std::string& name, const std::string& recording) {
  if (name == "txt") return std::make_unique<Text>();
  if (name == "json") return std::make_unique<Json>();
  if (name == "srt") return std::make_unique<Srt>();
  if (name == "vtt") return std::make_unique<Vtt>();
  if (name == "tsv") return std::make_unique<Tsv>();
  if (name == "rttm") return std::make_unique<Rttm>(recording);
  return nullptr;
}

}  // namespace audio
