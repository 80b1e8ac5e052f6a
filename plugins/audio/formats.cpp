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

class Text : public Format {
  std::string segment(const Segment& s) override { return s.text + "\n"; }
};

// As openai/whisper writes it: "-->" would look like a line of times, and SRT has no way to escape it.
class Srt : public Format {
  std::string segment(const Segment& s) override {
    std::string text = s.text;
    for (size_t at = 0; (at = text.find("-->", at)) != std::string::npos;) text.erase(at + 1, 1);
    return std::to_string(s.id + 1) + "\n" + clock(s.start, ',') + " --> " + clock(s.end, ',') + "\n" + text + "\n\n";
  }
};

// W3C WebVTT: & < > are escaped in cue text.
class Vtt : public Format {
  std::string head() override { return "WEBVTT\n\n"; }
  std::string segment(const Segment& s) override {
    std::string text;
    for (char c : s.text) text += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
    return clock(s.start, '.') + " --> " + clock(s.end, '.') + "\n" + text + "\n\n";
  }
};

// As openai/whisper writes it: milliseconds. Nothing is quoted, as in IANA's text/tab-separated-values.
class Tsv : public Format {
  std::string head() override { return "start\tend\ttext\n"; }
  std::string segment(const Segment& s) override {
    return std::to_string(milliseconds(s.start)) + "\t" + std::to_string(milliseconds(s.end)) + "\t" + s.text + "\n";
  }
};

// One document, written when the transcript is complete (or stopped).
class Json : public Format {
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
    const json document = {{"text", text_},
                           {"language", language_},
                           {"duration", length_},
                           {"segments", segments_},
                           {"speakers", {{"count", 0}, {"labels", json::array()}}},
                           {"quality", quality}};
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  }

  std::string text_, language_;
  json segments_ = json::array(), dropped_ = json::array(), fallbacks_ = json::array();
  double speech_ = 0, covered_ = 0;
};

}  // namespace

std::string Format::packet(const json& p) {
  length_ = std::max(length_, p.value("end", 0.0));
  note(p);
  std::string out;
  for (const json& s : p.value("segments", json::array())) {
    Segment segment{next_id_, s.value("start", 0.0), s.value("end", 0.0), one_line(s.value("text", "")), s};
    if (segment.text.empty()) continue;
    segment.start = std::max(segment.start, last_);
    segment.end = std::max(segment.end, segment.start);
    last_ = segment.end;
    ++next_id_;
    out += this->segment(segment);
  }
  return out;
}

std::unique_ptr<Format> make_format(const std::string& name) {
  if (name == "txt") return std::make_unique<Text>();
  if (name == "json") return std::make_unique<Json>();
  if (name == "srt") return std::make_unique<Srt>();
  if (name == "vtt") return std::make_unique<Vtt>();
  if (name == "tsv") return std::make_unique<Tsv>();
  return nullptr;
}

}  // namespace audio
