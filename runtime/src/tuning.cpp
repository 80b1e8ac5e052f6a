#include "tuning.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "fingerprint.hpp"

namespace npurt {

namespace fs = std::filesystem;

namespace {

constexpr const char* kHead = "npurt tuning 1";
constexpr int kFields = 6;  // of a key

// Whose value is a name of something, not a shape or a way to compute: another layer's weights take as long.
bool names_a_tensor(const std::string& option, const std::string& value) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool is_number = error == std::errc() && end == value.data() + value.size();
  return option == "model" || (!is_number && value.find_first_of("./") != std::string::npos);
}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return text;
}

struct Descriptor {
  explicit Descriptor(int f) : fd(f) {}
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  int fd;
};

[[noreturn]] void fail(const fs::path& file) {
  throw Error(Exit::run_failed, "cannot write " + file.string() + ": " + std::strerror(errno));
}

void write_whole(const fs::path& file, const std::string& text) {
  const Descriptor out(open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (out.fd < 0) fail(file);
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = write(out.fd, text.data() + done, text.size() - done);
    if (n <= 0) fail(file);
    done += static_cast<size_t>(n);
  }
  if (fsync(out.fd) != 0) fail(file);
}

}  // namespace

std::string tuning_key(const PlanNode& p, const Stage& stage, const Surroundings& around) {
  std::string shapes, options;
  for (const npurt_spec& s : p.in_specs) shapes += (shapes.empty() ? "" : " ") + (s.dtype ? spec_text(s) : "-");
  for (const auto& [name, setting] : p.text.with)
    options += name + "=" + (names_a_tensor(name, setting.value) ? "*" : setting.value) + " ";
  for (const auto& [name, value] : around.options.options) options += name + "=" + value + " ";
  const std::string fields[kFields] = {p.text.op,
                                       stage.candidate(),
                                       library_fingerprint(around.plugins->library(stage.plugin).file),
                                       device_name(stage.device, around.threads),
                                       shapes,
                                       options};
  std::string key;
  for (const std::string& f : fields) key += (key.empty() ? "" : "\t") + one_line(f);
  return key;
}

Tunings parse_tunings(const std::string& text) {
  Tunings all;
  const std::string head = std::string(kHead) + "\n";
  if (!text.starts_with(head)) return all;
  for (size_t at = head.size(), end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string line = text.substr(at, end - at);
    double seconds = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), seconds);
    if (error != std::errc() || rest == line.data() + line.size() || *rest != '\t') continue;
    if (!std::isfinite(seconds) || seconds <= 0 || std::count(line.begin(), line.end(), '\t') != kFields) continue;
    all[line.substr(static_cast<size_t>(rest - line.data()) + 1)] = seconds;
  }
  return all;
}

Tunings read_tunings(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return parse_tunings({std::istreambuf_iterator<char>(in), {}});
}

fs::path tuning_cache() { return model_cache().parent_path() / "tuning.tsv"; }

// Under a lock, so that two processes add to each other's lines; the new file is whole before it takes the old one's name.
void save_tunings(const std::vector<Tuned>& measured, const fs::path& file) {
  std::error_code none;
  fs::create_directories(file.parent_path(), none);
  const Descriptor lock(open((file.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.fd < 0 || flock(lock.fd, LOCK_EX) != 0) fail(file);
  Tunings all = read_tunings(file);
  for (const Tuned& t : measured)
    if (t.refused.empty() && t.seconds > 0) all[t.key] = t.seconds;
  std::string text = std::string(kHead) + "\n";
  for (const auto& [key, seconds] : all) {
    char number[32];
    const auto [end, error] = std::to_chars(number, number + sizeof number, seconds);
    text += std::string(number, end) + "\t" + key + "\n";
  }
  const fs::path part = file.string() + ".part";
  write_whole(part, text);
  if (std::rename(part.c_str(), file.c_str()) != 0) fail(file);
}

void sort_by_time(PlanNode& p, const Surroundings& around) {
  std::vector<std::pair<double, Candidate>> timed;
  for (const Candidate& c : p.candidates) {
    const auto known = c.stage ? around.tunings.find(tuning_key(p, *c.stage, around)) : around.tunings.end();
    timed.emplace_back(known == around.tunings.end() ? INFINITY : known->second, c);
  }
  std::stable_sort(timed.begin(), timed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < timed.size(); ++i) {
    p.candidates[i] = timed[i].second;
    p.candidates[i].measured_s = std::isfinite(timed[i].first) ? timed[i].first : 0;
  }
}

}  // namespace npurt
