#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>

#include "finding.hpp"

namespace npurt::cli {

namespace fs = std::filesystem;

namespace {

// What npurt's kernels and oneDNN choose their code by, as /proc/cpuinfo has it.
const std::vector<std::string> kFeatures = {"avx2",        "f16c",        "avx512f",  "avx_vnni", "avx512_vnni",
                                            "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8"};
constexpr double kLeastDisk = 1e9;  // bytes; room for a model of medium size

std::string value_of(const fs::path& file, const std::string& key, char mark) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (const size_t at = line.find(mark); line.starts_with(key) && at != std::string::npos) {
      const size_t begin = line.find_first_not_of(" \t\"", at + 1), end = line.find_last_not_of(" \t\"");
      return begin == std::string::npos ? "" : line.substr(begin, end - begin + 1);
    }
  return "";
}

void processor(Findings& all, const fs::path& root) {
  const fs::path info = root / "proc/cpuinfo";
  std::istringstream flags(value_of(info, "flags", ':'));
  std::set<std::string> has;
  for (std::string f; flags >> f;) has.insert(f);
  std::string known;
  for (const std::string& f : kFeatures)
    if (has.contains(f)) known += " " + f;
  Finding f{Finding::ok, "cpu", value_of(info, "model name", ':'), ""};
  f.text += ", " + std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) + " threads:" + (known.empty() ? " no vector extension" : known);
  if (!has.contains("avx2")) {
    f.state = Finding::note;
    f.fix = "nothing; without AVX2 expect speech to take several times as long";
  }
  all.push_back(f);
}

}  // namespace

std::string line_of(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

void look_at_machine(Findings& all, const fs::path& root) {
  processor(all, root);
  utsname system{};
  uname(&system);
  all.push_back({Finding::ok, "system", value_of(root / "etc/os-release", "PRETTY_NAME", '=') + ", Linux " + system.release, ""});
  std::error_code none;
  fs::path folder = model_cache();
  while (!fs::exists(folder, none) && folder.has_relative_path()) folder = folder.parent_path();
  const auto space = fs::space(folder, none);
  const double free = none ? 0 : static_cast<double>(space.available);
  char text[64];
  std::snprintf(text, sizeof text, "%.1f GB free for models in ", free / 1e9);
  const bool enough = free >= kLeastDisk;
  all.push_back({enough ? Finding::ok : Finding::note, "disk", text + model_cache().string(),
                 enough ? "" : "free some space, or set XDG_CACHE_HOME to a larger disk"});
}

std::string without_names(std::string text, const std::string& home, const std::string& user, const std::string& host) {
  const auto inside = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
  const auto replace = [&](const std::string& name, const std::string& with) {
    for (size_t at = 0; name.size() > 1 && (at = text.find(name, at)) != std::string::npos;) {
      const size_t end = at + name.size();
      const bool word = (at == 0 || !inside(text[at - 1])) && (end == text.size() || !inside(text[end]));
      if (word) text.replace(at, name.size(), with);
      at += word ? with.size() : 1;
    }
  };
  replace(home, "~");
  replace(host, "HOST");
  replace(user, "USER");
  return text;
}

}  // namespace npurt::cli
