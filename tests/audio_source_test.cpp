// audio_source: every kind of file against the signal it was made from, and files that are none.
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "catch.hpp"
#include "folder.hpp"
#include "stage.hpp"

using namespace npurt_test;
namespace fs = std::filesystem;

namespace {

constexpr double kSeconds = 3;

// The test signal at t seconds: tones below 3.4 kHz that never line up the same way twice, so that any rate can hold it.
double signal(double t) {
  double sum = 0;
  for (const auto& [f, speed] : {std::pair{311.3, 1.1}, {740.7, 1.7}, {1290.1, 0.6}, {2333.9, 2.3}})
    sum += 0.15 * std::sin(2 * M_PI * f * t) * (1 + 0.5 * std::sin(2 * M_PI * speed * t));
  return sum;
}

// Channel c carries (c+1) times its fair share, so that only the average of all gives the signal.
double share(int c, int channels) { return 2.0 * (c + 1) / (channels + 1); }

template <typename T>
void put(std::string& out, T value, size_t bytes = sizeof(T)) {
  out.append(reinterpret_cast<const char*>(&value), bytes);
}

std::string wav_head(int rate, int channels, int bits, bool real, uint32_t bytes) {
  std::string h = "RIFF";
  put<uint32_t>(h, 36 + bytes);
  h += "WAVEfmt ";
  put<uint32_t>(h, 16);
  put<uint16_t>(h, real ? 3 : 1);
  put<uint16_t>(h, static_cast<uint16_t>(channels));
  put<uint32_t>(h, static_cast<uint32_t>(rate));
  put<uint32_t>(h, static_cast<uint32_t>(rate * channels * bits / 8));
  put<uint16_t>(h, static_cast<uint16_t>(channels * bits / 8));
  put<uint16_t>(h, static_cast<uint16_t>(bits));
  h += "data";
  put<uint32_t>(h, bytes);
  return h;
}

void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

void write_wav(const std::string& path, int rate, int channels, int bits, bool real = false, double seconds = kSeconds) {
  std::string data;
  for (int i = 0; i < static_cast<int>(seconds * rate); ++i)
    for (int c = 0; c < channels; ++c) {
      const double x = signal(static_cast<double>(i) / rate) * share(c, channels) * 0.5;
      if (real) put(data, static_cast<float>(x));
      else if (bits == 8) put(data, static_cast<uint8_t>(std::lround(x * 127) + 128));
      else put(data, static_cast<int32_t>(std::llround(x * (std::exp2(bits - 1) - 1))), static_cast<size_t>(bits / 8));
    }
  write(path, wav_head(rate, channels, bits, real, static_cast<uint32_t>(data.size())) + data);
}

struct Heard {
  std::vector<float> samples;
  size_t largest = 0;  // packet
  std::string warned;  // without the path
};

Heard read(const std::string& path, std::map<std::string, std::string> more = {}) {
  static const npurt_plugin& plugin = load(NPURT_PLUGIN_DIR "/libnpurt_audio.so");
  Stage stage(plugin, "audio_source");
  stage.options = {{"path", path}, {"rate", "16000"}};
  stage.options.merge(more);
  stage.open({}, 1);
  Heard heard;
  do {
    const auto out = stage.run({});
    if (!stage.emitted()) continue;
    const auto x = out[0].as<float>();
    heard.largest = std::max(heard.largest, x.size());
    heard.samples.insert(heard.samples.end(), x.begin(), x.end());
  } while (stage.wants_again());
  for (const std::string& said : stage.logged) heard.warned += said.substr(std::min(said.size(), path.size() + 1));
  return heard;
}

// The refusal that reading `path` ends in.
std::string refusal(const std::string& path) {
  try {
    read(path);
  } catch (const Stopped& s) {
    CHECK(s.code == NPURT_BAD_CONFIG);
    const std::string text = s.what();
    CHECK(text.find(path + ": ") == 0);
    CHECK(text.find('\n') == std::string::npos);
    return text.substr(std::min(text.size(), path.size() + 2));
  }
  return "(none)";
}

// Greatest difference from the signal, without the edges, where a resampler rings.
double worst(const std::vector<float>& x) {
  double most = 0;
  for (size_t i = 800; i + 800 < x.size(); ++i)
    most = std::max(most, std::fabs(x[i] - 0.5 * signal(static_cast<double>(i) / 16000)));
  return most;
}

// Signal to noise in dB at the best delay of at most 32 ms, for codecs that lose something.
double quality(const std::vector<float>& x) {
  double best = -99;
  for (int lag = -512; lag <= 512; ++lag) {
    double power = 0, error = 0;
    for (int i = 8000; i < 24000; i += 3) {
      const double want = 0.5 * signal(i / 16000.0), got = x[static_cast<size_t>(i + lag)];
      power += want * want;
      error += (got - want) * (got - want);
    }
    best = std::max(best, 10 * std::log10(power / error));
  }
  return best;
}

bool have_ffmpeg() { return std::system("ffmpeg -version >/dev/null 2>&1") == 0; }
void ffmpeg(const std::string& words) {
  INFO("ffmpeg " + words);
  REQUIRE(std::system(("ffmpeg -nostdin -y -v error " + words).c_str()) == 0);
}

}  // namespace

TEST_CASE("wav of every sample type, rate and channel count is read as the signal it holds") {
  Folder folder;
  const std::string path = folder.file("a.wav");
  struct Kind {
    int bits;
    bool real;
    double tolerance;
  };
  for (const Kind& k : {Kind{8, false, 0.012}, {16, false, 2e-4}, {24, false, 1e-4}, {32, false, 1e-4}, {32, true, 1e-4}})
    for (const auto& [rate, channels] : {std::pair{16000, 1}, {8000, 1}, {11025, 2}, {44100, 2}, {48000, 6}, {96000, 8}}) {
      INFO(k.bits << " bits, " << rate << " Hz, " << channels << " channels");
      write_wav(path, rate, channels, k.bits, k.real);
      const auto heard = read(path).samples;
      CHECK(std::abs(static_cast<long>(heard.size()) - 48000) <= 1);
      CHECK(worst(heard) < k.tolerance);
    }
}

TEST_CASE("resampling keeps out what the new rate cannot hold") {
  Folder folder;
  const std::string path = folder.file("a.wav");
  std::string data;
  for (int i = 0; i < 48000; ++i) put(data, static_cast<float>(0.5 * std::sin(2 * M_PI * 11000 * i / 48000.0)));
  write(path, wav_head(48000, 1, 32, true, static_cast<uint32_t>(data.size())) + data);
  const auto heard = read(path).samples;
  REQUIRE(heard.size() == 16000);
  for (size_t i = 500; i < 15500; ++i) REQUIRE(std::fabs(heard[i]) < 1e-4);
}

TEST_CASE("compressed audio, and the sound of videos, is read as the signal it holds") {
  if (!have_ffmpeg()) FAIL("the program ffmpeg is missing: tools/packages check installs it");
  Folder folder;
  const std::string wav = folder.file("a.wav"), picture = "-f lavfi -i testsrc=duration=3:size=64x48:rate=10 ";
  write_wav(wav, 44100, 2, 16);
  struct Kind {
    const char *name, *before, *words;
    double db;
  };
  for (const Kind& k : {Kind{"a.flac", "", "", 60},
                        {"a.ogg", "", "-c:a libvorbis -q:a 6", 15},
                        {"a.opus", "", "-c:a libopus -b:a 96k", 15},
                        {"a.mp3", "", "-c:a libmp3lame -b:a 128k", 15},
                        {"a.m4a", "", "-c:a aac -b:a 128k", 15},
                        {"a.aiff", "", "", 60},
                        {"a.mka", "", "-c:a flac", 60},
                        {"a.mp4", picture.c_str(), "-c:v mpeg4 -c:a aac -b:a 128k -shortest", 15},
                        {"a.webm", picture.c_str(), "-c:v libvpx -c:a libopus -b:a 96k -shortest", 15},
                        {"a.mkv", picture.c_str(), "-c:v mpeg4 -c:a libmp3lame -shortest", 15}}) {
    INFO(k.name);
    ffmpeg(std::string(k.before) + "-i " + wav + " " + k.words + " " + folder.file(k.name));
    const auto heard = read(folder.file(k.name)).samples;
    CHECK(std::abs(static_cast<double>(heard.size()) / 16000 - kSeconds) < 0.1);
    CHECK(quality(heard) > k.db);
  }
}

TEST_CASE("a long file comes in pieces of at most a chunk, whatever the piece") {
  Folder folder;
  const std::string path = folder.file("a.wav");
  write_wav(path, 44100, 1, 16, false, 30);
  const Heard whole = read(path), pieces = read(path, {{"chunk", "0.7"}});
  CHECK(whole.largest == 160000);
  CHECK(pieces.largest == 11200);
  CHECK(pieces.samples == whole.samples);
}

TEST_CASE("files that meet inside one file are read to the end") {
  if (!have_ffmpeg()) FAIL("the program ffmpeg is missing: tools/packages check installs it");
  Folder folder;
  write_wav(folder.file("a.wav"), 44100, 2, 16);
  ffmpeg("-i " + folder.file("a.wav") + " -ac 1 " + folder.file("1.mp3"));
  ffmpeg("-i " + folder.file("a.wav") + " -ar 22050 " + folder.file("2.mp3"));
  REQUIRE(std::system(("cd " + folder.path().string() + " && cat 1.mp3 2.mp3 >both.mp3").c_str()) == 0);
  CHECK(static_cast<double>(read(folder.file("both.mp3")).samples.size()) / 16000 == Approx(2 * kSeconds).margin(0.2));
}

TEST_CASE("what is no sound ends in one sentence that names the file") {
  Folder folder;
  const auto file = [&](const char* name, const std::string& bytes) {
    write(folder.file(name), bytes);
    return folder.file(name);
  };
  std::mt19937 chance(1);
  std::string garbage(5000, 0);
  for (char& c : garbage) c = static_cast<char>(chance());
  CHECK(refusal(folder.file("none.wav")) == "there is no such file");
  CHECK(refusal(folder.path()) == "is a folder, not a sound file");
  CHECK(refusal(file("empty.wav", "")) == "the file is empty");
  CHECK(refusal(file("zero.wav", wav_head(16000, 1, 16, false, 0))) == "holds no audio (its length is zero)");
  for (const char* name : {"garbage.wav", "garbage.mp3", "garbage.flac", "garbage.m4a"})
    CHECK(refusal(file(name, garbage)).find("cannot be read as sound: it ") == 0);
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += "This is a text and no sound.\n";
  CHECK(refusal(file("text.mp3", lines)).find("cannot be read as sound: it ") == 0);
  CHECK(refusal(file("head.wav", wav_head(16000, 1, 16, false, 100).substr(0, 20))).find("cannot be read as sound: ") == 0);
  for (const char* magic : {"fLaC", "OggS", "RIFF", "FORM", "caff"})
    CHECK(refusal(file("magic.wav", magic + garbage)).find("cannot be read as sound: ") == 0);
}

TEST_CASE("a sample that is no number is refused with its place") {
  Folder folder;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -1e30F}) {
    std::string data;
    for (int i = 0; i < 32000; ++i) put(data, i == 24000 ? bad : 0.1F);
    write(folder.file("a.wav"), wav_head(16000, 1, 32, true, static_cast<uint32_t>(data.size())) + data);
    CHECK(refusal(folder.file("a.wav")) == "holds a sample that is no sound (NaN, Inf or beyond 1e9), at 1.500000 s");
  }
}

TEST_CASE("a file that may not be read says so") {
  Folder folder;
  write_wav(folder.file("a.wav"), 16000, 1, 16);
  chmod(folder.path().c_str(), 0755);
  chmod(folder.file("a.wav").c_str(), 0);
  const int before = geteuid() == 0 ? setfsuid(65534) : -1;  // root may read everything
  const std::string said = refusal(folder.file("a.wav"));
  if (before >= 0) setfsuid(static_cast<uid_t>(before));
  CHECK(said == "cannot be read: Permission denied");
}

TEST_CASE("of a file that was cut off, what is there is read") {
  if (!have_ffmpeg()) FAIL("the program ffmpeg is missing: tools/packages check installs it");
  Folder folder;
  const std::string wav = folder.file("a.wav");
  write_wav(wav, 44100, 1, 16, false, 12);  // longer than a page of Ogg
  for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.ogg", "a.opus", "a.mkv"}) {
    INFO(name);
    const std::string path = folder.file(name);
    if (path != wav) ffmpeg("-i " + wav + " " + path);
  }
  for (const char* name : {"a.flac", "a.mp3", "a.ogg", "a.opus", "a.mkv", "a.wav"}) {
    INFO(name);
    CHECK(read(folder.file(name)).warned == "");
    fs::resize_file(folder.file(name), fs::file_size(folder.file(name)) / 2);
    const Heard heard = read(folder.file(name));
    const double seconds = static_cast<double>(heard.samples.size()) / 16000;
    CHECK(seconds > 2);
    CHECK(seconds < 11);
    CHECK(heard.warned != "");
  }
  write_wav(wav, 44100, 1, 16);
  ffmpeg("-i " + wav + " " + folder.file("a.m4a"));  // its table of contents is at its end
  fs::resize_file(folder.file("a.m4a"), fs::file_size(folder.file("a.m4a")) / 2);
  CHECK(refusal(folder.file("a.m4a")).find("cannot be read as sound: ") == 0);
}

TEST_CASE("a video without sound is refused") {
  if (!have_ffmpeg()) FAIL("the program ffmpeg is missing: tools/packages check installs it");
  Folder folder;
  ffmpeg("-f lavfi -i testsrc=duration=1:size=64x48:rate=10 -c:v mpeg4 " + folder.file("a.mp4"));
  CHECK(refusal(folder.file("a.mp4")) == "cannot be read as sound: it holds no audio that FFmpeg knows");
}
