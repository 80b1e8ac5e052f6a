// The stages of this plugin.
#pragma once

#include <memory>
#include <npurt/plugin.hpp>

#include "listener.hpp"
#include "voices.hpp"

namespace diarizer {

// Who speaks when in 16 kHz audio, once per file:
//   {"duration": s, "speakers": [{"label", "seconds"}], "turns": [{"start", "end", "speaker", "overlap"}]}
// A turn with overlap lies inside those of others.
// Speakers are S1, S2, … in order of first appearance, or have the name of the voice in `enroll` that is theirs (voices.hpp; its
// "cosine" then stands beside the label). The number is found, between min_speakers and max_speakers, or given
// (num_speakers; 0: not given). `threshold` is the distance (cluster.hpp) from which two voices are two speakers in a clear
// recording; it is less in one with blur (listener.hpp).
//
//   who: {op: diarize, in: {audio: wav.audio, speech: speech.probability}, use: diarizer, with: {model: speaker-encoder}}
class Diarize {
 public:
  static constexpr auto op = "diarize";
  static constexpr auto signature = "audio f32[S], speech f32[F] -> turns json@stream";
  static constexpr auto device = "cpu";
  static constexpr bool stream = true;

  static void plan(npurt::Host host, npurt::Specs in, npurt::Outs out);
  explicit Diarize(npurt::Host host);
  void run(npurt::Call& call);

 private:
  Bounds bounds_;
  std::vector<Voice> voices_;
  int threads_;
  Listener listener_;
};

// The voice of a file with one speaker: {"seconds": of speech, "embedding": [256 numbers, length 1]}. Stops at a file without
// speech, calling it by option `name`.
class EmbedSpeaker {
 public:
  static constexpr auto op = "embed_speaker";
  static constexpr auto signature = "audio f32[S], speech f32[F] -> voice json@stream";
  static constexpr auto device = "cpu";
  static constexpr bool stream = true;

  static void plan(npurt::Host, npurt::Specs, npurt::Outs out) { out[0] = npurt::Spec(NPURT_JSON, {NPURT_UNKNOWN}); }
  explicit EmbedSpeaker(npurt::Host host) : listener_(host) {}
  void run(npurt::Call& call);

 private:
  Listener listener_;
};

// Gives each word, and each segment, the speaker whose turns it overlaps most (or whose turn is nearest), and splits segments
// where the speaker changes between words.
//
//   said: {op: assign_speakers, in: {segments: text.segments, turns: who.turns}, use: diarizer}
class AssignSpeakers {
 public:
  static constexpr auto op = "assign_speakers";
  static constexpr auto signature = "segments json, turns json@stream -> segments json";
  static constexpr auto device = "cpu";

  static void plan(npurt::Host, npurt::Specs, npurt::Outs out) { out[0] = npurt::Spec(NPURT_JSON, {NPURT_UNKNOWN}); }
  explicit AssignSpeakers(npurt::Host) {}
  void run(npurt::Call& call);
};

}  // namespace diarizer
