// The stages of this plugin.
#pragma once

#include <memory>
#include <npurt/plugin.hpp>
#include <string>
#include <vector>

#include "formats.hpp"
#include "output.hpp"
#include "reader.hpp"
#include "resampler.hpp"

namespace audio {

// Reads a sound file of any kind that libsndfile or FFmpeg knows: channels averaged, resampled to `rate` by soxr HQ, given in
// pieces of at most `chunk` seconds, so that a long file is never in memory. f32 in [-1, 1].
//
//   wav: {op: audio_source, use: audio, with: {path: $input, rate: 16000}}
class AudioSource {
 public:
  static constexpr auto op = "audio_source";
  static constexpr auto signature = "-> audio f32[S]@split";
  static constexpr auto device = "io";
  static constexpr bool stream = true;

  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  explicit AudioSource(npurt::Host host);
  void run(npurt::Call& call);

 private:
  void begin(npurt::Host host);
  void fill();

  int rate_;
  size_t chunk_;
  [[noreturn]] void refuse(const std::string& why) const;

  std::string path_;
  std::unique_ptr<Reader> reader_;
  std::unique_ptr<Resampler> resampler_;
  std::vector<float> block_, mono_, ready_;
  size_t taken_ = 0;  // of ready_
  int64_t frames_ = 0, given_ = 0;
  bool ended_ = false;
};

// Writes a transcript to `path` ("-": standard output) as `format`: txt, json, srt, vtt, tsv or rttm. A file appears when it is
// complete, or when the run is stopped by the user: then with what there was. A run that fails leaves none. `turns` says who
// spoke when; alone, it can be written as txt, json or rttm. `name` is what rttm calls the recording: a path is cut down to its
// stem.
//
//   out: {op: transcript_sink, in: text.segments, use: audio, with: {path: $output, format: $format}}
class TranscriptSink {
 public:
  static constexpr auto op = "transcript_sink";
  static constexpr auto signature = "segments? json, turns? json@stream ->";
  static constexpr auto device = "io";
  static constexpr bool stream = true;

  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  explicit TranscriptSink(npurt::Host host);
  void run(npurt::Call& call);

 private:
  void begin(npurt::Host host);

  std::unique_ptr<Format> format_;
  std::unique_ptr<Output> output_;
};

}  // namespace audio
