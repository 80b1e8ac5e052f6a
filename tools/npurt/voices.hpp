// Voices known by name: one file for each, $XDG_DATA_HOME/npurt/speakers/NAME.json.
#pragma once

#include <filesystem>
#include <npurt/runtime.hpp>
#include <string>
#include <vector>

namespace npurt::cli {

struct Voice {
  std::string name;
  double seconds = 0;            // of speech that it was learnt from
  std::vector<float> embedding;  // length 1
};

std::filesystem::path voices_folder();
// In order of name. Throws Error(input) naming a file that is no voice.
std::vector<Voice> kept_voices();
void keep_voice(const Voice& voice);
// Of a sound file with one speaker. Throws Error, also where there is no speech.
Voice learn_voice(const std::string& name, const std::string& file, Catalog& catalog);
float cosine(const Voice& a, const Voice& b);

// Replaces what `enroll` of every diarize node names (NAME=FILE, NAME, or all; with commas) by the voices themselves.
void enroll_voices(Graph& graph, Catalog& catalog);

}  // namespace npurt::cli
