// A library is loaded in a child process first, so that one that crashes, exits or hangs while loading is one sentence.
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "library.hpp"

namespace npurt {
namespace {

using json = nlohmann::json;

constexpr auto kPatience = std::chrono::seconds(10);

json describe(const std::filesystem::path& file) {
  try {
    const Library& lib = load_library(file);
    json stages = json::array();
    for (const Stage& s : lib.stages)
      stages.push_back({{"kernel", s.kernel},
                        {"op", s.face->op},
                        {"signature", s.face->signature},
                        {"device", s.device},
                        {"stream", s.stream()}});
    return {{"name", lib.name}, {"version", lib.version}, {"stages", stages}};
  } catch (const std::exception& e) {
    return {{"error", e.what()}};
  }
}

[[noreturn]] void child(const std::filesystem::path& file, int out) {
  // What the library prints or dumps while it dies is no part of the answer.
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  for (int fd : {STDOUT_FILENO, STDERR_FILENO}) dup2(out, fd);
  const std::string text = '\0' + describe(file).dump(-1, ' ', false, json::error_handler_t::replace) + '\0';
  for (size_t done = 0; done < text.size();) {
    ssize_t n = write(out, text.data() + done, text.size() - done);
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  _exit(0);
}

// All that comes through the pipe until it closes; false if that took too long.
bool drain(int fd, std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd p{fd, POLLIN, 0};
    const int ready = poll(&p, 1, static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return true;
    if (ready <= 0) continue;
    char buffer[4096];
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    text.append(buffer, static_cast<size_t>(n));
  }
}

// The child's answer is between the last two NULs, around it what the library printed; nothing if there is no answer.
std::optional<json> answer(const std::string& text) {
  const size_t end = text.rfind('\0');
  if (end == std::string::npos || end == 0) return {};
  const size_t begin = text.rfind('\0', end - 1);
  if (begin == std::string::npos) return {};
  json j = json::parse(text.substr(begin + 1, end - begin - 1), nullptr, false);
  return j.is_object() ? std::optional(std::move(j)) : std::nullopt;
}

PluginInfo understood(const json& j, PluginInfo info) {
  info.error = j.value("error", "");
  info.name = j.value("name", info.name);
  info.version = j.value("version", "");
  for (const json& s : j.value("stages", json::array()))
    info.stages.push_back({info.name, s.at("kernel"), s.at("op"), s.at("signature"), s.at("device"), s.at("stream")});
  return info;
}

}  // namespace

PluginInfo probe_library(const std::filesystem::path& file) {
  PluginInfo info{file, plugin_name(file), "", "", "", {}};
  const std::string base = file.filename().string();
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) {
    info.error = base + ": cannot be inspected: " + std::strerror(errno);
    return info;
  }
  const pid_t pid = fork();
  if (pid == 0) {
    close(pipe_ends[0]);
    child(file, pipe_ends[1]);
  }
  close(pipe_ends[1]);
  std::string text;
  const bool in_time = pid > 0 && drain(pipe_ends[0], text);
  close(pipe_ends[0]);
  if (pid < 0) {
    info.error = base + ": cannot be inspected: " + std::strerror(errno);
    return info;
  }
  if (!in_time) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) info.error = base + " is still loading after " + std::to_string(kPatience.count()) + " s; its initialiser hangs";
  else if (WIFSIGNALED(status)) info.error = base + " crashes when it is loaded (" + strsignal(WTERMSIG(status)) + ")";
  else if (const auto said = answer(text); said && WEXITSTATUS(status) == 0) return understood(*said, std::move(info));
  else info.error = base + " ends the process when it is loaded (exit code " + std::to_string(WEXITSTATUS(status)) + ")";
  return info;
}

}  // namespace npurt
