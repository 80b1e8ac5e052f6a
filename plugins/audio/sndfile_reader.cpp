#include <sndfile.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "reader.hpp"

namespace audio {

namespace {

constexpr sf_count_t kFrames = 16384;

// An Ogg file (RFC 3533): whether it is one stream from its first page to its last, and not several joined or side by side, and
// whether the page that ends it is there, whole.
struct Ogg {
  bool one_stream = false, ended = false;
};
Ogg look_at_ogg(std::ifstream& file, uint64_t size) {
  unsigned char page[27], lengths[255];
  int begun = 0;
  Ogg ogg;
  for (file.seekg(0); file.read(reinterpret_cast<char*>(page), sizeof page);) {
    if (std::memcmp(page, "OggS", 4) != 0) return {};
    begun += page[5] >> 1 & 1;
    if (begun > 1 || !file.read(reinterpret_cast<char*>(lengths), page[26])) return {begun == 1, false};
    file.seekg(std::accumulate(lengths, lengths + page[26], 0), std::ios::cur);
    ogg.ended = (page[5] & 4) && static_cast<uint64_t>(file.tellg()) <= size;
  }
  ogg.one_stream = begun == 1;
  return ogg;
}

// libsndfile is asked only for what begins like one of its own formats, and for plain Ogg, which it gives to the reference
// decoders of Opus and Vorbis: at the rate of the recording, where FFmpeg decodes Opus at 48 kHz. It would also take MPEG audio
// and joined Ogg, but stops where the parts meet, and prints notes.
bool is_one_of_its_own(const char* head, const Ogg& ogg) {
  for (const char* known : {"RIFF", "RIFX", "RF64", "riff", "fLaC", "FORM", "caff", ".snd"})
    if (std::memcmp(head, known, 4) == 0) return true;
  return ogg.one_stream;
}

// Whether a RIFF file is shorter than its head promises; libsndfile reads what is there and says nothing. Writers that could not
// know the length left 0 or the greatest number there.
bool is_cut_off(const char* head, uint64_t size) {
  uint32_t promised = 0;
  std::memcpy(&promised, head + 4, 4);
  return std::memcmp(head, "RIFF", 4) == 0 && promised != 0 && promised < 0xFFFFFF00 && size + 1 < promised + uint64_t{8};
}

class SndfileReader : public Reader {
 public:
  SndfileReader(SNDFILE* file, const SF_INFO& info) : file_(file) {
    rate = info.samplerate;
    channels = info.channels;
    // A header may promise anything; more than a year of audio is no promise.
    seconds = info.frames > 0 && info.frames / rate < 366 * 86400LL ? static_cast<double>(info.frames) / rate : 0;
    promised = seconds;
  }
  ~SndfileReader() override { sf_close(file_); }

  bool read(std::vector<float>& out) override {
    const size_t before = out.size();
    out.resize(before + static_cast<size_t>(kFrames * channels));
    const sf_count_t got = sf_readf_float(file_, out.data() + before, kFrames);
    out.resize(before + static_cast<size_t>((got > 0 ? got : 0) * channels));
    if (got <= 0 && warning.empty() && sf_error(file_)) warning = std::string("stops early: ") + sf_strerror(file_);
    return got > 0;
  }

 private:
  SNDFILE* file_;
};

}  // namespace

std::unique_ptr<Reader> open_sndfile(const std::string& path, std::string& why) {
  char head[8] = {};
  std::ifstream bytes(path, std::ios::binary);
  bytes.read(head, sizeof head);
  std::error_code none;
  const uint64_t size = std::filesystem::file_size(path, none);
  const Ogg ogg = std::memcmp(head, "OggS", 4) == 0 ? look_at_ogg(bytes, size) : Ogg{};
  if (!is_one_of_its_own(head, ogg)) return nullptr;
  SF_INFO info{};
  SNDFILE* file = sf_open(path.c_str(), SFM_READ, &info);
  if (!file) {
    why = sf_strerror(nullptr);
    while (!why.empty() && (why.back() == '.' || why.back() == '\n')) why.pop_back();
    return nullptr;
  }
  if (info.channels < 1 || info.channels > 1024 || info.samplerate < 1) {
    sf_close(file);
    why = "its header gives " + std::to_string(info.channels) + " channels at " + std::to_string(info.samplerate) + " Hz";
    return nullptr;
  }
  auto reader = std::make_unique<SndfileReader>(file, info);
  if (is_cut_off(head, size)) reader->warning = "is cut off: it holds less than its header says";
  if (ogg.one_stream && !ogg.ended) reader->warning = "is cut off: its last page is missing";
  return reader;
}

}  // namespace audio
