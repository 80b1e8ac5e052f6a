#include "fingerprint.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <vector>

namespace npurt {

namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string line(const fs::path& file) {
  std::ifstream in(file);
  std::string s;
  std::getline(in, s);
  return s;
}

std::string processor(const fs::path& root) {
  std::ifstream in(root / "proc/cpuinfo");
  for (std::string s; std::getline(in, s);)
    if (s.starts_with("model name")) return s.substr(std::min(s.find(':') + 2, s.size()));
  return "unknown processor";
}

}  // namespace

std::string fingerprint(const std::string& text) {
  uint64_t h = 0xcbf29ce484222325;
  for (size_t at = 0; at < text.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, std::min<size_t>(8, text.size() - at));
    h = (h ^ word) * 0x100000001b3;
    h ^= h >> 29;
  }
  h = (h ^ text.size()) * 0x9e3779b97f4a7c15;
  char digits[20];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(h ^ (h >> 32)));
  return digits;
}

const std::string& library_fingerprint(const fs::path& file) {
  static std::mutex mutex;
  static auto& known = *new std::map<fs::path, std::string>;
  std::lock_guard lock(mutex);
  std::string& f = known[file];
  if (!f.empty()) return f;
  std::vector<fs::path> beside;
  std::error_code none;
  for (const auto& e : fs::directory_iterator(file.parent_path(), none))
    if (const std::string name = e.path().filename().string(); name.ends_with(".so") && !name.starts_with("libnpurt_"))
      beside.push_back(e.path());
  std::sort(beside.begin(), beside.end());
  std::string all = content(file);
  for (const fs::path& other : beside) all += content(other);
  return f = fingerprint(all);
}

std::string device_name(const std::string& lane, int threads, const fs::path& root) {
  if (lane == "cpu" || lane == "io") return lane + ", " + processor(root) + ", " + std::to_string(threads) + " threads";
  std::string name = lane;
  std::vector<fs::path> nodes;
  std::error_code none;
  for (const auto& e : fs::directory_iterator(root / "sys/class/accel", none)) nodes.push_back(e.path());
  std::sort(nodes.begin(), nodes.end());
  for (const fs::path& node : nodes) {
    for (const char* fact : {"vendor", "device", "revision", "fw_version"}) name += " " + line(node / "device" / fact);
    name += " driver " + line(node / "device/driver/module/version");
  }
  return name + ", Linux " + line(root / "proc/sys/kernel/osrelease");
}

}  // namespace npurt
