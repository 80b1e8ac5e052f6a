// Where the transcript of each input goes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace npurt::cli {

// The formats of transcript_sink; the first is the default.
const std::vector<std::string>& formats();

// `asked` if given, else what the extension of `output` says, else the first of formats().
std::string choose_format(const std::string& asked, const std::string& output);

// One file per input. An empty path is stdout. `output` is what -o said: "" or "-" (stdout), a file, a folder (it exists, ends in
// '/'), or a pattern in which {} or {name} stands for the input's name without folder and extension. Makes missing folders.
// Throws Error(usage) if two inputs would share a file, or an input would be overwritten.
std::vector<std::filesystem::path> output_files(const std::string& output, const std::string& format,
                                                const std::vector<std::string>& inputs);

// A file that is gone when this is.
class TemporaryFile {
 public:
  TemporaryFile();
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace npurt::cli
