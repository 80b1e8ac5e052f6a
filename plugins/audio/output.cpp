#include "output.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <npurt/plugin.hpp>
#include <utility>

namespace audio {

namespace fs = std::filesystem;

Output::Output(const std::string& path) : path_(path) {
  std::error_code none;
  const fs::file_status before = fs::status(path_, none);
  if (path_ == "-") {
    file_ = stdout;
  } else if (fs::exists(before) && !fs::is_regular_file(before)) {
    file_ = std::fopen(path_.c_str(), "w");
  } else {
    if (fs::exists(before)) {
      path_ = fs::canonical(path_, none).string();  // a link stays a link
      if (std::FILE* old = std::fopen(path_.c_str(), "a")) std::fclose(old);
      else fail();  // a write-protected file is not to be replaced
    }
    part_ = path_ + ".part";
    file_ = std::fopen(part_.c_str(), "w");
    if (file_ && fs::exists(before)) fs::permissions(part_, before.permissions(), none);
  }
  if (!file_) fail();
}

Output::~Output() {
  if (!file_ || file_ == stdout) return;
  std::fclose(file_);
  if (!part_.empty()) std::remove(part_.c_str());
}

void Output::fail() const {
  throw npurt::BadConfig((path_ == "-" ? "standard output" : path_) + ": cannot be written: " + std::strerror(errno));
}

void Output::put(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() || std::fflush(file_) != 0) fail();
}

void Output::finish() {
  std::FILE* done = std::exchange(file_, nullptr);
  if (done == stdout) return;
  const bool closed = std::fclose(done) == 0;
  if (closed && (part_.empty() || std::rename(part_.c_str(), path_.c_str()) == 0)) return;
  const int cause = errno;
  if (!part_.empty()) std::remove(part_.c_str());
  errno = cause;
  fail();
}

}  // namespace audio
