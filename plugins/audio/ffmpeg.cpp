// FFmpeg's libraries bring some hundred others, which take longer to load than a short clip to transcribe: they lie in a library
// of their own, which is loaded when a file needs them.
#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>
#include <system_error>

#include "reader.hpp"

namespace audio {

std::unique_ptr<Reader> open_ffmpeg(const std::string& path, std::string& why) {
  using Open = Reader*(const std::string&, std::string&);
  try {
    static boost::dll::shared_library library(boost::dll::this_line_location().parent_path() / "libaudio_ffmpeg.so");
    return std::unique_ptr<Reader>(library.get<Open>("npurt_open_ffmpeg")(path, why));
  } catch (const std::system_error& e) {
    why = std::string("FFmpeg, which may know it, is not to be had: ") + e.what();
    return nullptr;
  }
}

}  // namespace audio
