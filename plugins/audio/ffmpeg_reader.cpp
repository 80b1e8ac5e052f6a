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
    if (format->duration > 0) seconds = static_cast<double>(format->duration) / AV_TIME_BASE;
  }

  bool read(std::vector<float>& out) override {
    for (;;) {
      const int got = avcodec_receive_frame(codec_.get(), frame_.get());
      if (got >= 0) {
        if (append(out)) return true;
        if (!warning.empty()) return false;
        continue;
      }
      if (got != AVERROR(EAGAIN)) return false;
      const int next = av_read_frame(format_.get(), packet_.get());
      if (next < 0) {
        if (next != AVERROR_EOF) warning = "stops early: " + sentence(next);
        drained_ = true;
        avcodec_send_packet(codec_.get(), nullptr);
        continue;
      }
      if (packet_->stream_index == stream_) avcodec_send_packet(codec_.get(), packet_.get());  // a damaged packet is left out
      av_packet_unref(packet_.get());
    }
  }

 private:
  // Converts the frame to interleaved f32 of the file's own rate and channels.
  bool append(std::vector<float>& out) {
    if (frame_->ch_layout.nb_channels != channels || frame_->sample_rate != rate) {
      warning = "changes its format on the way; the rest is left out";
      return false;
    }
    if (!swr_) {
      SwrContext* swr = nullptr;
      if (swr_alloc_set_opts2(&swr, &frame_->ch_layout, AV_SAMPLE_FMT_FLT, rate, &frame_->ch_layout,
                              static_cast<AVSampleFormat>(frame_->format), rate, 0, nullptr) < 0 ||
          swr_init(swr) < 0) {
        swr_free(&swr);
        return false;
      }
      swr_.reset(swr);
    }
    const size_t before = out.size();
    out.resize(before + static_cast<size_t>(frame_->nb_samples) * static_cast<size_t>(channels));
    auto* to = reinterpret_cast<uint8_t*>(out.data() + before);
    const int got =
        swr_convert(swr_.get(), &to, frame_->nb_samples, const_cast<const uint8_t**>(frame_->extended_data), frame_->nb_samples);
    out.resize(before + static_cast<size_t>(got > 0 ? got : 0) * static_cast<size_t>(channels));
    av_frame_unref(frame_.get());
    return got > 0;
  }

  std::unique_ptr<AVFormatContext, CloseFormat> format_;
  std::unique_ptr<AVCodecContext, FreeCodec> codec_;
  std::unique_ptr<SwrContext, FreeSwr> swr_;
  std::unique_ptr<AVPacket, FreePacket> packet_;
  std::unique_ptr<AVFrame, FreeFrame> frame_;
  int stream_;
  bool drained_ = false;
};

}  // namespace

std::unique_ptr<Reader> open_ffmpeg(const std::string& path, std::string& why) {
  av_log_set_level(AV_LOG_QUIET);  // what goes wrong is said once, by audio_source
  AVFormatContext* raw = nullptr;
  const std::string url = "file:" + path;  // never a protocol that the name happens to spell
  if (const int e = avformat_open_input(&raw, url.c_str(), nullptr, nullptr); e < 0) {
    why = sentence(e);
    return nullptr;
  }
  std::unique_ptr<AVFormatContext, CloseFormat> format(raw);
  avformat_find_stream_info(raw, nullptr);
  const AVCodec* decoder = nullptr;
  const int stream = av_find_best_stream(raw, AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
  if (stream < 0 || !decoder) {
    why = "it holds no audio stream that FFmpeg can decode";
    return nullptr;
  }
  std::unique_ptr<AVCodecContext, FreeCodec> codec(avcodec_alloc_context3(decoder));
  if (!codec || avcodec_parameters_to_context(codec.get(), raw->streams[stream]->codecpar) < 0 ||
      avcodec_open2(codec.get(), decoder, nullptr) < 0 || codec->sample_rate < 1 || codec->ch_layout.nb_channels < 1) {
    why = "its audio cannot be decoded";
    return nullptr;
  }
  return std::make_unique<FfmpegReader>(format.release(), codec.release(), stream);
}

}  // namespace audio
