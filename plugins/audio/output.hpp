#pragma once

#include <cstdio>
#include <string>

namespace audio {

// A file that appears whole or not at all: it is written as PATH.part, and finish() gives it its name. Without finish() it is
// removed, and what was at PATH stays as it was. "-" is standard output; what is no ordinary file (a pipe, /dev/null) is written
// directly. Throws npurt::BadConfig naming PATH.
class Output {
 public:
  explicit Output(const std::string& path);
  ~Output();
  Output(const Output&) = delete;
  void put(const std::string& text);
  void finish();

 private:
  [[noreturn]] void fail() const;

  std::string path_, part_;  // part_ is empty where PATH is written directly
  std::FILE* file_ = nullptr;
};

}  // namespace audio
