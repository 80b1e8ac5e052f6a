#include <cmath>
#include <filesystem>

#include "stages.hpp"

namespace audio {

void AudioSource::plan(npurt::Host host, npurt::Specs, npurt::Outs out) {
  host.number("rate", 16000, 1000, 768000);
  host.number("chunk", 10, 0.1, 600);
  out[0] = npurt::Spec(NPURT_F32, {NPURT_UNKNOWN});
}

AudioSource::AudioSource(npurt::Host host)
    : rate_(static_cast<int>(host.number("rate", 16000, 1000, 768000))),
      chunk_(static_cast<size_t>(host.number("chunk", 10, 0.1, 600) * rate_)) {}

void AudioSource::begin(npurt::Host host) {
  namespace fs = std::filesystem;
  path_ = host.option("path");
  std::error_code none;
  if (path_.empty()) throw npurt::BadConfig("no input file is given");
  if (!fs::exists(path_, none)) throw npurt::BadConfig(path_ + ": there is no such file");
  if (fs::is_directory(path_, none)) throw npurt::BadConfig(path_ + ": is a folder, not a sound file");
  if (fs::is_regular_file(path_, none) && fs::file_size(path_, none) == 0) throw npurt::BadConfig(path_ + ": the file is empty");
  std::string sndfile, ffmpeg;
  reader_ = open_sndfile(path_, sndfile);
  if (!reader_) reader_ = open_ffmpeg(path_, ffmpeg);
  if (!reader_)
    throw npurt::BadConfig(path_ + ": is not a sound file that npurt can read (libsndfile: " + sndfile + "; FFmpeg: " + ffmpeg +
                           ")");
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
        if (!std::isfinite(sum)) {
          const double at = static_cast<double>(frames_ + static_cast<int64_t>(i / channels)) / reader_->rate;
          throw npurt::BadConfig(path_ + ": holds a sample that is not a number, at " + std::to_string(at) + " s");
        }
        mono_.push_back(sum / static_cast<float>(channels));
      }
      frames_ += static_cast<int64_t>(block_.size() / channels);
      if (!mono_.empty()) resampler_->push(mono_, ready_);
    } else {
      ended_ = true;
      if (frames_ > 0) resampler_->push({}, ready_);
    }
  }
}

void AudioSource::run(npurt::Call& call) {
  // A run that failed half-way may have left a reader of another file.
  if (!reader_ || path_ != call.host().option("path")) begin(call.host());
  fill();
  if (frames_ == 0) {
    const std::string why = reader_->warning;
    reader_.reset();
    throw npurt::BadConfig(path_ + ": holds no audio (its length is zero)" + (why.empty() ? "" : "; it " + why));
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
