#include <sndfile.h>

#include "reader.hpp"

namespace audio {

namespace {

constexpr sf_count_t kFrames = 16384;

class SndfileReader : public Reader {
 public:
  explicit SndfileReader(SNDFILE* file, const SF_INFO& info) : file_(file) {
    rate = info.samplerate;
    channels = info.channels;
    // A header may promise anything; more than a year of audio is no promise.
    seconds = info.frames > 0 && info.frames / rate < 366 * 86400LL ? static_cast<double>(info.frames) / rate : 0;
  }
  ~SndfileReader() override { sf_close(file_); }

  bool read(std::vector<float>& out) override {
    const size_t before = out.size();
    out.resize(before + static_cast<size_t>(kFrames * channels));
    const sf_count_t got = sf_readf_float(file_, out.data() + before, kFrames);
    out.resize(before + static_cast<size_t>((got > 0 ? got : 0) * channels));
    return got > 0;
  }

 private:
  SNDFILE* file_;
};

}  // namespace

std::unique_ptr<Reader> open_sndfile(const std::string& path, std::string& why) {
  SF_INFO info{};
  SNDFILE* file = sf_open(path.c_str(), SFM_READ, &info);
  if (!file) {
    why = sf_strerror(nullptr);
    return nullptr;
  }
  if (info.channels < 1 || info.channels > 1024 || info.samplerate < 1) {
    sf_close(file);
    why = "its header gives " + std::to_string(info.channels) + " channels at " + std::to_string(info.samplerate) + " Hz";
    return nullptr;
  }
  return std::make_unique<SndfileReader>(file, info);
}

}  // namespace audio
