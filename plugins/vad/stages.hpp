// The stages of this plugin.
#pragma once

#include <deque>
#include <memory>

#include "packer.hpp"
#include "silero.hpp"

namespace vad {

// The probability of speech of every 512 samples (32 ms) of 16 kHz audio, by Silero VAD. Samples that do not fill a step wait for
// the next packet. `mode: fixed` makes none, for graphs whose windows do not depend on speech.
//
//   speech: {op: speech_activity, in: wav.audio, use: vad, with: {model: silero-vad}}
class SpeechActivity {
 public:
  static constexpr auto op = "speech_activity";
  static constexpr auto signature = "audio f32[S] -> probability f32[F]";
  static constexpr auto device = "cpu";
  static constexpr bool stream = true;

  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  explicit SpeechActivity(npurt::Host host);
  void run(npurt::Call& call);

 private:
  std::unique_ptr<Silero> silero_;  // null in mode fixed
  int threads_;
  std::vector<float> audio_;  // history, then what is not yet used
};

// Cuts 16 kHz audio into windows of 30 s (zero-padded), and says in `at` where each lies:
//   {"id", "start": seconds, "samples", "regions": [[start, end], …]}
// mode speech: windows begin and end at silences, hold at most `max` seconds, and what is not speech in between long pauses is
// left out. mode fixed: one after the other, every 30 s.
//
//   windows: {op: speech_windows, in: {audio: wav.audio, speech: speech.probability}, use: vad, with: {max: 30}}
class SpeechWindows {
 public:
  static constexpr auto op = "speech_windows";
  static constexpr auto signature = "audio f32[S], speech? f32[F] -> audio f32[480000]@split, at json@split";
  static constexpr auto device = "cpu";
  static constexpr bool stream = true;

  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  explicit SpeechWindows(npurt::Host host);
  void run(npurt::Call& call);

 private:
  void cut_fixed(bool end);
  void emit(npurt::Call& call, const Span& window);

  bool fixed_;
  Rules rules_;
  Packer packer_;
  std::vector<float> audio_;
  int64_t first_ = 0, total_ = 0;  // file positions of audio_[0] and of its end, samples
  std::deque<Window> ready_;
  int64_t cut_ = 0;  // fixed: where the next window begins
  int id_ = 0;
  bool again_ = false;
};

}  // namespace vad
