// A sound file, read a block at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace audio {

class Reader {
 public:
  virtual ~Reader() = default;
  int rate = 0, channels = 0;
  double seconds = 0;   // of audio, for a progress bar; 0: unknown
  double promised = 0;  // what the header says for sure; 0: nothing
  std::string warning;  // what was wrong with a file of which a part could be read
  // Appends some interleaved f32 samples; false at the end.
  virtual bool read(std::vector<float>& out) = 0;
};

// Each gives null if the file is not of its kinds, and then `why` one clause, or nothing if the file does not even look like one.
std::unique_ptr<Reader> open_sndfile(const std::string& path, std::string& why);
std::unique_ptr<Reader> open_ffmpeg(const std::string& path, std::string& why);

}  // namespace audio
