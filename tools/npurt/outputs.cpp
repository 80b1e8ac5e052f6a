#include "outputs.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <npurt/runtime.hpp>

namespace npurt::cli {

namespace fs = std::filesystem;

namespace {

std::string from_pattern(std::string pattern, const std::string& name) {
  for (const char* hole : {"{name}", "{}"})
    for (size_t at = 0; (at = pattern.find(hole, at)) != std::string::npos; at += name.size())
      pattern.replace(at, std::string(hole).size(), name);
  return pattern;
}

bool has_hole(const std::string& text) {
  return text.find("{}") != std::string::npos || text.find("{name}") != std::string::npos;
}

}  // namespace

const std::vector<std::string>& formats() {
  static const std::vector<std::string> all = {"txt", "json", "srt", "vtt", "tsv", "rttm"};
  return all;
}

std::string choose_format(const std::string& asked, const std::string& output) {
  if (!asked.empty()) return asked;
  std::string extension = fs::path(output).extension().string();
  if (!extension.empty()) extension.erase(0, 1);
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::count(formats().begin(), formats().end(), extension) ? extension : formats().front();
}

std::vector<fs::path> output_files(const std::string& output, const std::string& format, const std::vector<std::string>& inputs) {
  std::vector<fs::path> files(inputs.size());
  if (output.empty() || output == "-") return files;
  const bool folder = output.back() == '/' || fs::is_directory(output);
  if (inputs.size() > 1 && !folder && !has_hole(output))
    throw Error(Exit::usage, {Diagnostic{{},
                                         "-o " + output + ": " + std::to_string(inputs.size()) + " inputs cannot share one file",
                                         {{"hint", "name a folder (out/) or a pattern ({name}." + format + ")"}}}});
  std::map<fs::path, std::string> taken;
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::string name = fs::path(inputs[i]).stem().string();
    files[i] = folder ? fs::path(output) / (name + "." + format) : fs::path(from_pattern(output, name));
    auto [other, fresh] = taken.emplace(fs::weakly_canonical(files[i]), inputs[i]);
    if (!fresh)
      throw Error(Exit::usage, "both " + other->second + " and " + inputs[i] + " would be written to " + files[i].string());
    std::error_code none;
    if (fs::equivalent(files[i], inputs[i], none))
      throw Error(Exit::usage, "-o " + output + " would overwrite the input " + inputs[i]);
  }
  for (const fs::path& file : files) {
    std::error_code error;
    if (file.has_parent_path() && !fs::create_directories(file.parent_path(), error) && error)
      throw Error(Exit::usage, "cannot make folder " + file.parent_path().string() + ": " + error.message());
    // Said now, not after an hour of work.
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    if (!file.empty() && access((fs::exists(file) ? file : folder).c_str(), W_OK) != 0)
      throw Error(Exit::usage, "cannot write " + file.string() + ": " + std::strerror(errno));
  }
  return files;
}

TemporaryFile::TemporaryFile() {
  std::string name = (fs::temp_directory_path() / "npurt-XXXXXX").string();
  int file = mkstemp(name.data());
  if (file < 0) throw Error(Exit::run_failed, "cannot make a temporary file in " + fs::temp_directory_path().string());
  close(file);
  path_ = name;
}

TemporaryFile::~TemporaryFile() {
  std::error_code none;
  fs::remove(path_, none);
}

}  // namespace npurt::cli
