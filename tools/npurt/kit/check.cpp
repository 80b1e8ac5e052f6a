#include "check.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

#include "ab/error.hpp"
#include "contract.hpp"
#include "selection.hpp"

namespace npurt::cli {

namespace fs = std::filesystem;

namespace {

constexpr unsigned kSecondsPerStage = 60;
constexpr int kCalls = 300;              // enough for a leak of a few kB each to show
constexpr double kMostGrowth = 4 << 20;  // bytes of resident memory over kCalls warm calls

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

int threads() {
  std::error_code none;
  int n = 0;
  for (const auto& e : fs::directory_iterator("/proc/self/task", none)) n += e.exists() ? 1 : 0;
  return n;
}

std::string sentence(const Error& e) { return e.diagnostics.empty() ? e.what() : e.diagnostics[0].text(); }

bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i].dims != b[i].dims || a[i].bytes != b[i].bytes || std::memcmp(a[i].data, b[i].data, a[i].bytes) != 0) return false;
  return a.size() == b.size();
}

class StageCheck {
 public:
  StageCheck(const KitOptions& o, const StageInfo& s)
      : options_(o), stage_(s), contract_(read_contract(s.signature)), catalog_(open_catalog(o.plugin_path)) {}

  // In the child. True if nothing failed.
  bool run() {
    if (contract_.in.empty() || stage_.stream || contract_.split || contract_.json) {
      say("skip", "run", "it makes packets of its own, keeps state or takes JSON: try it in a graph");
      return good_;
    }
    try {
      const std::vector<Tensor> in = made_up(contract_, options_.size, 1), other = made_up(contract_, options_.size, 2);
      const int before = threads();
      {
        Plan plan = planned(stage_.candidate(), in);
        say("ok", "plan", plan.nodes()[0].out.empty() ? "" : plan.nodes()[0].out[0].name + " " + plan.nodes()[0].out[0].spec);
        numbers(plan, in, other);
        memory(plan, in);
      }
      for (int i = 0; i < 100 && threads() > before; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      const int left = threads() - before;
      verdict(left <= 0, "threads", std::to_string(left) + " go on after the stage is closed");
    } catch (const Error& e) {
      say("FAIL", "plan and run", sentence(e));
    }
    return good_;
  }

 private:
  Plan planned(const std::string& candidate, const std::vector<Tensor>& in) {
    Graph g;
    g.name = g.file = "check";
    Node node;
    node.id = "stage";
    node.op = stage_.op;
    node.use = {{candidate, {}}};
    for (const auto& [name, value] : options_.with) node.with[name] = {value, {}};
    for (const ContractPort& port : contract_.in) {
      g.inputs.push_back({port.name, "", {{"stage", port.name}}, "", "", {}});
      node.in.push_back({port.name, "in", port.name, {}});
    }
    g.nodes.push_back(node);
    PlanOptions plan;
    plan.threads = 1;
    plan.inputs = in;
    return make_plan(g, catalog_, plan);
  }

  std::vector<Tensor> call(Plan& plan, const std::vector<Tensor>& in) {
    NodeTiming ignored;
    return run_node(plan, "stage", in, ignored);
  }

  void numbers(Plan& plan, const std::vector<Tensor>& in, const std::vector<Tensor>& other) {
    std::vector<Tensor> kept;
    for (const Tensor& t : in) kept.push_back(t.copy());
    const std::vector<Tensor> first = call(plan, in);
    say("ok", "run", "");
    verdict(same(in, kept), "inputs", "run changes what it was only lent");
    ValueError finite;
    for (const Tensor& t : first) finite.add(t, t);
    verdict(std::isfinite(finite.largest()) && finite.exact() == finite.values(), "finite", "outputs hold NaN or Inf");
    call(plan, other);
    verdict(same(first, call(plan, in)), "repeatable", "the same input gives other values after another packet");
    Plan again = planned(stage_.candidate(), in);
    verdict(same(first, call(again, in)), "reopened", "a second object gives other values");
    if (options_.reference.empty()) return;
    Plan right = planned(options_.reference, in);
    const std::vector<Tensor> wanted = call(right, in);
    ValueError error;
    for (size_t i = 0; i < wanted.size(); ++i) error.add(wanted[i], first[i]);
    char text[128];
    std::snprintf(text, sizeof text, "error %.2e of the size of %s's values, cosine %.6f", error.relative(),
                  options_.reference.c_str(), error.cosine());
    say(error.relative() <= options_.tolerance && error.not_finite() == 0 ? "ok" : "FAIL", "numbers", text);
  }

  void memory(Plan& plan, const std::vector<Tensor>& in) {
    for (int i = 0; i < kCalls / 10; ++i) call(plan, in);
    const double before = resident_bytes();
    const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    int calls = 0;
    for (; calls < kCalls && std::chrono::steady_clock::now() < enough; ++calls) call(plan, in);
    const double grown = resident_bytes() - before;
    verdict(grown < kMostGrowth, "memory", "grows by " + std::to_string(std::lround(grown / calls)) + " bytes a call");
  }

  void verdict(bool good, const char* what, const std::string& otherwise) {
    say(good ? "ok" : "FAIL", what, good ? "" : otherwise);
  }
  void say(const std::string& kind, const char* what, const std::string& more) {
    good_ = good_ && kind != "FAIL";
    std::printf("  %-4s  %-10s  %s\n", kind.c_str(), what, more.c_str());
    std::fflush(stdout);
  }

  const KitOptions& options_;
  const StageInfo& stage_;
  Contract contract_;
  Catalog catalog_;
  bool good_ = true;
};

bool in_child(const KitOptions& options, const StageInfo& stage) {
  std::fflush(stdout);
  const pid_t pid = fork();
  if (pid < 0) throw Error(Exit::run_failed, std::string("cannot start a process: ") + std::strerror(errno));
  if (pid == 0) {
    alarm(kSecondsPerStage);
    bool good = false;
    try {
      good = StageCheck(options, stage).run();
    } catch (const std::exception& e) {
      std::printf("  FAIL  check       %s\n", e.what());
    }
    std::fflush(stdout);
    _exit(good ? 0 : 1);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    std::printf("  FAIL  time        still going after %u s\n", kSecondsPerStage);
  else if (WIFSIGNALED(status)) std::printf("  FAIL  crash       %s\n", strsignal(WTERMSIG(status)));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

bool check_library(const KitOptions& given) {
  KitOptions options = given;
  if (!fs::exists(options.library)) throw Error(Exit::usage, "there is no file " + options.library.string());
  const fs::path file = fs::absolute(options.library).lexically_normal();
  options.plugin_path.insert(options.plugin_path.begin(), file.parent_path().string());
  bool good = true, found = false;
  for (const PluginInfo& plugin : open_catalog(options.plugin_path).inspect()) {
    if (plugin.file.filename() != file.filename() || !plugin.shadowed_by.empty()) continue;
    found = true;
    std::printf("%s %s\n", plugin.name.c_str(), plugin.version.c_str());
    std::printf("  %-4s  %-10s  %s\n", plugin.error.empty() ? "ok" : "FAIL", "ABI", plugin.error.c_str());
    good = good && plugin.error.empty();
    for (const StageInfo& stage : plugin.stages) {
      std::printf("%s of op %s: %s\n", stage.candidate().c_str(), stage.op.c_str(), stage.signature.c_str());
      good = in_child(options, stage) && good;
    }
  }
  if (!found) throw Error(Exit::plugin, file.filename().string() + " is no plugin: its name must be libnpurt_NAME.so");
  std::printf("%s\n", good ? "passed" : "failed");
  return good;
}

}  // namespace npurt::cli
