// The committed audio, for tests that need speech.
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace npurt_test {

// Samples of a 16-bit mono WAV, whatever else it holds.
inline std::vector<float> read_wav(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const size_t data = bytes.find("data");
  if (data == std::string::npos) throw std::runtime_error(path + " is no WAV");
  std::vector<float> samples;
  for (size_t i = data + 8; i + 1 < bytes.size(); i += 2)
    samples.push_back(static_cast<float>(static_cast<int16_t>(static_cast<unsigned char>(bytes[i]) | bytes[i + 1] << 8)) / 32768);
  return samples;
}
inline std::vector<float> jfk() { return read_wav(NPURT_SOURCE_DIR "/graphs/samples/jfk.wav"); }

}  // namespace npurt_test
