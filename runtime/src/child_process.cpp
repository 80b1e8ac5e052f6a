#include "child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <npurt/runtime.hpp>
#include <thread>

extern char** environ;

namespace npurt {
namespace {

std::filesystem::path program() {
  std::error_code none;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", none).parent_path().parent_path();
  for (const auto& file : {here / NPURT_LIBEXECDIR "/npurt/isolated", here / "libexec/npurt/isolated",
                           std::filesystem::path(NPURT_FULL_LIBEXECDIR "/npurt/isolated")})
    if (std::filesystem::exists(file, none)) return file;
  throw Error(Exit::run_failed, "libexec/npurt/isolated, which runs isolated stages, is not installed beside this program");
}

}  // namespace

ChildProcess::ChildProcess(const Arena& arena) {
  const std::string file = program().string();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error(Exit::run_failed, std::string("no socket for an isolated stage: ") + std::strerror(errno));
  socket = ends[0];
  // Out of the way of 3 and 4, which they become in the child.
  const int its_end = fcntl(ends[1], F_DUPFD_CLOEXEC, 10), its_arena = fcntl(arena.file(), F_DUPFD_CLOEXEC, 10);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, its_end, 3);
  posix_spawn_file_actions_adddup2(&files, its_arena, 4);
  std::string name = "npurt: isolated stage";
  char* arguments[] = {name.data(), nullptr};
  const int failed = posix_spawn(&id_, file.c_str(), &files, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  for (int fd : {ends[1], its_end, its_arena}) close(fd);
  if (!failed) return;
  close(socket);
  throw Error(Exit::run_failed, "cannot start " + file + ": " + std::strerror(failed));
}

ChildProcess::~ChildProcess() {
  if (id_ >= 0) end(kPatience);
  close(socket);
}

std::string ChildProcess::end(std::chrono::milliseconds patience) {
  using clock = std::chrono::steady_clock;
  shutdown(socket, SHUT_RDWR);
  int status = 0;
  const auto deadline = clock::now() + patience;
  pid_t gone = 0;
  while ((gone = waitpid(id_, &status, WNOHANG)) == 0 && clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (gone == 0) {
    kill(id_, SIGKILL);
    while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  id_ = -1;
  if (WIFSIGNALED(status)) return std::string("ended: ") + strsignal(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

uint64_t ChildProcess::own_memory() const {
  std::ifstream file("/proc/" + std::to_string(id_) + "/statm");
  uint64_t all = 0, resident = 0, shared = 0;
  file >> all >> resident >> shared;
  return (resident - std::min(resident, shared)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace npurt
