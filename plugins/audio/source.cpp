#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "stages.hpp"

namespace audio {

namespace {
constexpr float kLoudest = 1e9F;  // full scale is 1; the squares of what is far beyond would overflow in every later stage
}

void AudioSource::plan(npurt::Host host, npurt::Specs, npurt::Outs out) {
  host.number("rate", 16000, 1000, 768000);
  host.number("chunk", 10, 0.1, 600);
  out[0] = npurt::Spec(NPURT_F32, {NPURT_UNKNOWN});
}

AudioSource::AudioSource(npurt::Host host)
    : rate_(static_cast<int>(host.number("rate", 16000, 1000, 768000))),
      chunk_(static_cast<size_t>(host.number("chunk", 10, 0.1, 600) * rate_)) {}

void AudioSource::refuse(const std::string& why) const { throw npurt::BadConfig(path_ + ": " + why); }

void AudioSource::begin(npurt::Host host) {
  namespace fs = std::filesystem;
  path_ = host.option("path");
  std::error_code none;
  if (path_.empty()) throw npurt::BadConfig("no input file is given");
  const fs::file_status status = fs::status(path_, none);
  if (status.type() == fs::file_type::not_found) refuse("there is no such file");
  if (fs::is_directory(status)) refuse("is a folder, not a sound file");
  std::string sndfile, ffmpeg;
  if (fs::is_regular_file(status)) {
    if (!std::ifstream(path_)) refuse(std::string("cannot be read: ") + std::strerror(errno));
    if (fs::file_size(path_, none) == 0) refuse("the file is empty");
    reader_ = open_sndfile(path_, sndfile);
  }  // libsndfile would take the first bytes of a pipe away
  if (!reader_) reader_ = open_ffmpeg(path_, ffmpeg);
  if (!reader_) refuse("cannot be read as sound: " + ffmpeg + (sndfile.empty() ? "" : " (libsndfile: " + sndfile + ")"));
  resampler_ = std::make_unique<Resampler>(reader_->rate, rate_);
  ready_.clear();
  taken_ = 0;
  frames_ = given_ = 0;
  ended_ = false;
}

// Decodes until a whole chunk and one sample more are ready, or the file ends.
void AudioSource::fill() {
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  const size_t channels = static_cast<size_t>(reader_->channels);
  while (!ended_ && ready_.size() <= chunk_) {
    block_.clear();
    mono_.clear();
    if (reader_->read(block_)) {
      for (size_t i = 0; i + channels <= block_.size(); i += channels) {
        float sum = 0;
        for (size_t c = 0; c < channels; ++c) sum += block_[i + c];
        if (!(std::fabs(sum) < kLoudest)) {
          const double at = static_cast<double>(frames_ + static_cast<int64_t>(i / channels)) / reader_->rate;
          refuse("holds a sample that is no sound (NaN, Inf or beyond 1e9), at " + std::to_string(at) + " s");
        }
        mono_.push_back(sum / static_cast<float>(channels));
      }
      frames_ += static_cast<int64_t>(block_.size() / channels);
      if (!mono_.empty()) resampler_->push(mono_, ready_);
    } else {
      ended_ = true;
      const double seconds = static_cast<double>(frames_) / reader_->rate;
      if (reader_->warning.empty() && seconds < 0.98 * reader_->promised - 0.1)
        reader_->warning = "is cut off: it holds less than its header says";
      if (frames_ > 0) resampler_->push({}, ready_);
    }
  }
}

void AudioSource::run(npurt::Call& call) {
  // A run that was stopped half-way has left its reader.
  if (call.index() == 0) begin(call.host());
  fill();
  if (frames_ == 0) {
    const std::string why = reader_->warning;
    reader_.reset();
    refuse("holds no audio (its length is zero)" + (why.empty() ? "" : "; it " + why));
  }
  const size_t n = std::min(chunk_, ready_.size());
  auto out = call.resize(0, {static_cast<int64_t>(n)});
  std::copy_n(ready_.begin(), n, out.begin());
  taken_ = n;
  given_ += static_cast<int64_t>(n);
  call.host().progress(static_cast<double>(given_) / rate_, reader_->seconds);
  if (n == 0) call.skip();
  if (ended_ && n == ready_.size()) {
    if (!reader_->warning.empty()) call.host().warn(path_ + " " + reader_->warning);
    reader_.reset();
  } else {
    call.again();
  }
}

}  // namespace audio
