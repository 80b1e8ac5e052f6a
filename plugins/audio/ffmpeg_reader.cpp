extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
}

#include "reader.hpp"

namespace audio {

namespace {

struct CloseFormat {
  void operator()(AVFormatContext* p) const { avformat_close_input(&p); }
};
struct FreeCodec {
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
};
struct FreeSwr {
  void operator()(SwrContext* p) const { swr_free(&p); }
};
struct FreePacket {
  void operator()(AVPacket* p) const { av_packet_free(&p); }
};
struct FreeFrame {
  void operator()(AVFrame* p) const { av_frame_free(&p); }
};

std::string sentence(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof text);
  return text;
}

class FfmpegReader : public Reader {
 public:
  FfmpegReader(AVFormatContext* format, AVCodecContext* codec, int stream)
      : format_(format), codec_(codec), packet_(av_packet_alloc()), frame_(av_frame_alloc()), stream_(stream) {
    rate = codec->sample_rate;
    channels = codec->ch_layout.nb_channels;
    av_channel_layout_copy(&codec_layout_, &codec->ch_layout);
    if (format->duration > 0) seconds = static_cast<double>(format->duration) / AV_TIME_BASE;
    const AVStream* audio = format->streams[stream];
    const bool guessed = format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE;
    if (audio->duration > 0 && !guessed) promised = static_cast<double>(audio->duration) * av_q2d(audio->time_base);
    else if (format->nb_streams == 1 && !guessed) promised = seconds;
  }
  ~FfmpegReader() override {
    av_channel_layout_uninit(&from_layout_);
    av_channel_layout_uninit(&codec_layout_);
  }

  bool read(std::vector<float>& out) override {
    for (;;) {
      const int got = avcodec_receive_frame(codec_.get(), frame_.get());
      if (got >= 0) {
        if (append(out)) return true;
        continue;
      }
      if (got == AVERROR_EOF || drained_) return false;
      if (got != AVERROR(EAGAIN)) damaged();
      const int next = av_read_frame(format_.get(), packet_.get());
      if (next < 0) {
        if (next != AVERROR_EOF) warning = "stops early: " + sentence(next);
        drained_ = true;
        avcodec_send_packet(codec_.get(), nullptr);
        continue;
      }
      if (packet_->stream_index == stream_ && avcodec_send_packet(codec_.get(), packet_.get()) < 0) damaged();
      av_packet_unref(packet_.get());
    }
  }

 private:
  void damaged() { warning = "is damaged at " + std::to_string(++damaged_) + " places, which are left out"; }

  // Converts the frame to interleaved f32 of the rate and channels that the file began with: joined files may change them.
  bool append(std::vector<float>& out) {
    const bool same = swr_ && frame_->format == from_format_ && frame_->sample_rate == from_rate_ &&
                      av_channel_layout_compare(&frame_->ch_layout, &from_layout_) == 0;
    if (!same && !convert_from_frame()) {
      damaged();
      return false;
    }
    const size_t before = out.size();
    const int room = swr_get_out_samples(swr_.get(), frame_->nb_samples);
    out.resize(before + static_cast<size_t>(room > 0 ? room : 0) * static_cast<size_t>(channels));
    auto* to = reinterpret_cast<uint8_t*>(out.data() + before);
    const int got = swr_convert(swr_.get(), &to, room, const_cast<const uint8_t**>(frame_->extended_data), frame_->nb_samples);
    out.resize(before + static_cast<size_t>(got > 0 ? got : 0) * static_cast<size_t>(channels));
    av_frame_unref(frame_.get());
    return got > 0;
  }

  bool convert_from_frame() {
    SwrContext* swr = nullptr;
    if (swr_alloc_set_opts2(&swr, &codec_layout_, AV_SAMPLE_FMT_FLT, rate, &frame_->ch_layout,
                            static_cast<AVSampleFormat>(frame_->format), frame_->sample_rate, 0, nullptr) < 0 ||
        swr_init(swr) < 0) {
      swr_free(&swr);
      return false;
    }
    swr_.reset(swr);
    from_format_ = frame_->format;
    from_rate_ = frame_->sample_rate;
    return av_channel_layout_copy(&from_layout_, &frame_->ch_layout) >= 0;
  }

  std::unique_ptr<AVFormatContext, CloseFormat> format_;
  std::unique_ptr<AVCodecContext, FreeCodec> codec_;
  std::unique_ptr<SwrContext, FreeSwr> swr_;
  std::unique_ptr<AVPacket, FreePacket> packet_;
  std::unique_ptr<AVFrame, FreeFrame> frame_;
  int stream_, from_format_ = -1, from_rate_ = 0, damaged_ = 0;
  AVChannelLayout from_layout_{}, codec_layout_{};
  bool drained_ = false;
};

}  // namespace

}  // namespace audio

extern "C" __attribute__((visibility("default"))) audio::Reader* npurt_open_ffmpeg(const std::string& path, std::string& why) {
  using namespace audio;
  av_log_set_level(AV_LOG_QUIET);  // what goes wrong is said once, by audio_source
  AVFormatContext* raw = nullptr;
  const std::string url = "file:" + path;  // never a protocol that the name happens to spell
  if (const int e = avformat_open_input(&raw, url.c_str(), nullptr, nullptr); e < 0) {
    why = e == AVERROR_INVALIDDATA || e == AVERROR(EINVAL) ? "it is of no known format, or damaged" : sentence(e);
    return nullptr;
  }
  std::unique_ptr<AVFormatContext, CloseFormat> format(raw);
  avformat_find_stream_info(raw, nullptr);
  const AVCodec* decoder = nullptr;
  const int stream = av_find_best_stream(raw, AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
  if (stream < 0 || !decoder) {
    why = "it holds no audio that FFmpeg knows";
    return nullptr;
  }
  std::unique_ptr<AVCodecContext, FreeCodec> codec(avcodec_alloc_context3(decoder));
  if (!codec || avcodec_parameters_to_context(codec.get(), raw->streams[stream]->codecpar) < 0 ||
      avcodec_open2(codec.get(), decoder, nullptr) < 0 || codec->sample_rate < 1 || codec->ch_layout.nb_channels < 1) {
    why = "its audio cannot be decoded";
    return nullptr;
  }
  return new FfmpegReader(format.release(), codec.release(), stream);
}
