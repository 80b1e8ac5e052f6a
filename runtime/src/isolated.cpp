#include "isolated.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

extern char** environ;

namespace npurt {
namespace {

constexpr int kGlanceMs = 20;                        // so often a waiting parent looks around
constexpr uint64_t kMostGrowth = uint64_t{1} << 30;  // of the child's own memory since it was opened
constexpr std::chrono::milliseconds kFarewell{1000};

std::filesystem::path program() {
  std::error_code none;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", none).parent_path().parent_path();
  for (const auto& file : {here / NPURT_LIBEXECDIR "/npurt/isolated", here / "libexec/npurt/isolated",
                           std::filesystem::path(NPURT_FULL_LIBEXECDIR "/npurt/isolated")})
    if (std::filesystem::exists(file, none)) return file;
  throw Error(Exit::run_failed, "libexec/npurt/isolated, which runs isolated stages, is not installed beside this program");
}

// What the child needs to make the stage's host: the node as far as weights are concerned, and what is the same for all nodes.
Message introduction(const Stage& stage, const Node& node, Surroundings& around) {
  const Library& library = around.plugins->library(stage.plugin);
  Message m(Message::plan);
  m.put(library.file.string()).put(static_cast<uint32_t>(&stage - library.stages.data()));
  m.put(node.id).put(static_cast<uint32_t>(node.with.size()));
  for (const auto& [name, setting] : node.with) m.put(name).put(setting.value).put(setting.place.file);
  m.put(around.folder.string());
  return m;
}

}  // namespace

Isolated::Isolated(const Stage& stage, const Node& node, Surroundings& around, const npurt_host* host)
    : stage_(stage), node_(node), around_(around), host_(host), arena_(around.pool.share()) {
  const std::string file = program().string();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error(Exit::run_failed, std::string("no socket for an isolated stage: ") + std::strerror(errno));
  socket_ = ends[0];
  // Out of the way of 3 and 4, which they become in the child.
  const int its_end = fcntl(ends[1], F_DUPFD_CLOEXEC, 10), its_arena = fcntl(arena_.file(), F_DUPFD_CLOEXEC, 10);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, its_end, 3);
  posix_spawn_file_actions_adddup2(&files, its_arena, 4);
  std::string name = "npurt: " + node.id;
  char* arguments[] = {name.data(), nullptr};
  const int failed = posix_spawn(&child_, file.c_str(), &files, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  for (int fd : {ends[1], its_end, its_arena}) close(fd);
  if (!failed) return;
  close(socket_);
  throw Error(Exit::run_failed, "cannot start " + file + ": " + std::strerror(failed));
}

Isolated::~Isolated() {
  end(kFarewell);
  close(socket_);
}

// Hangs up, waits and says what became of the child.
std::string Isolated::end(std::chrono::milliseconds patience) {
  if (child_ < 0) return "ended before";
  shutdown(socket_, SHUT_RDWR);
  int status = 0;
  const auto deadline = clock::now() + patience;
  pid_t gone = 0;
  while ((gone = waitpid(child_, &status, WNOHANG)) == 0 && clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (gone == 0) {
    kill(child_, SIGKILL);
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  child_ = -1;
  if (WIFSIGNALED(status)) return std::string("ended: ") + strsignal(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

int32_t Isolated::lost(const std::string& why, int32_t code) {
  return host_->fail(host_->self, code, ("its process " + why).c_str());
}

int32_t Isolated::plan(const npurt_spec* in, uint32_t inputs, npurt_spec* out, uint32_t outputs) {
  Message m = introduction(stage_, node_, around_);
  m.put(inputs);
  for (uint32_t i = 0; i < inputs; ++i) m.put(in[i]);
  m.put(outputs);
  for (uint32_t i = 0; i < outputs; ++i) m.put(out[i]);
  return ask(m, NPURT_REFUSE, [&](Message& answer) {
    for (uint32_t i = 0; i < outputs; ++i) out[i] = answer.get<npurt_spec>();
  });
}

int32_t Isolated::open() {
  const int32_t code = ask(Message(Message::open), NPURT_REFUSE, [](Message&) {});
  own_at_open_ = own_memory();
  return code;
}

int32_t Isolated::run(npurt_call& call) {
  Message m(Message::run);
  m.put(call.index).put(call.end).put(call.inputs);
  for (uint32_t i = 0; i < call.inputs; ++i) put_tensor(m, shared(call.in[i]), arena_.base());
  m.put(call.outputs);
  for (uint32_t i = 0; i < call.outputs; ++i) put_tensor(m, call.out[i], arena_.base());
  call_ = &call;
  const int32_t code = ask(m, NPURT_FAULT, [&](Message& answer) {
    call.emit = answer.get<uint32_t>();
    call.again = answer.get<uint32_t>();
  });
  call_ = nullptr;
  borrowed_.clear();
  return code;
}

int32_t Isolated::ask(const Message& question, int32_t if_lost, const std::function<void(Message&)>& take) {
  if (child_ < 0) return lost("ended in an earlier call", if_lost);
  try {
    heard_ = clock::now();
    question.send(socket_);
    for (;;) {
      if (const std::string why = wait(); !why.empty()) {
        end({});
        return lost(why, if_lost);
      }
      Message m = Message::receive(socket_);
      heard_ = clock::now();
      if (m.kind != Message::done) {
        serve(m);
        continue;
      }
      const auto code = m.get<int32_t>();
      const std::string sentence = m.text();
      cpu_s_ += m.get<double>();
      take(m);
      return sentence.empty() ? code : host_->fail(host_->self, code, sentence.c_str());  // else it is kept here
    }
  } catch (const Parted&) {
    return lost(end(kFarewell), if_lost);
  }
}

// Until the child says something; else why it is not to be waited for.
std::string Isolated::wait() {
  for (;;) {
    std::atomic_ref(*reinterpret_cast<int*>(arena_.base())).store(around_.cancelled() ? 1 : 0);
    pollfd p{socket_, POLLIN, 0};
    const int ready = poll(&p, 1, kGlanceMs);
    if (const auto now = clock::now(); now - looked_ > std::chrono::milliseconds(kGlanceMs)) {
      looked_ = now;
      if (own_at_open_ && own_memory() > own_at_open_ + kMostGrowth) return "has taken another GiB of memory";
    }
    if (ready > 0) return "";
    if (clock::now() - heard_ > std::chrono::duration<double>(node_.isolate_s)) {
      char text[64];
      std::snprintf(text, sizeof text, "gave no sign of life for %.3g s", node_.isolate_s);
      return text;
    }
  }
}

// Resident bytes of the child that it shares with nobody.
uint64_t Isolated::own_memory() const {
  std::ifstream file("/proc/" + std::to_string(child_) + "/statm");
  uint64_t all = 0, resident = 0, shared = 0;
  file >> all >> resident >> shared;
  return (resident - std::min(resident, shared)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// `t`, or a copy of it where the child sees it.
npurt_tensor Isolated::shared(npurt_tensor t) {
  if (!t.data || arena_.offset(t.data)) return t;
  const void* from = t.data;
  t.data = borrow(t.bytes);
  std::memcpy(t.data, from, t.bytes);
  return t;
}

void* Isolated::borrow(uint64_t bytes) {
  borrowed_.push_back(around_.pool.take(bytes));
  return borrowed_.back().data();
}

}  // namespace npurt
