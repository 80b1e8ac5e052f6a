// Candidates for layer_norm that end or take hold of the process they are in.
#include <signal.h>

#include <cstdlib>
#include <cstring>
#include <npurt/plugin.hpp>

namespace {

using namespace npurt;

void segv() { raise(SIGSEGV); }
void killed() { raise(SIGKILL); }
void aborts() { std::abort(); }
void leaves() { std::_Exit(3); }
void loops() {
  for (volatile bool forever = true; forever;) {
  }
}
void leaks() {
  constexpr size_t kBytes = size_t{5} << 28;  // 1.25 GiB
  volatile char* memory = static_cast<char*>(std::malloc(kBytes));
  if (!memory) throw Fault("no memory to leak");
  for (size_t i = 0; i < kBytes; i += 4096) memory[i] = 1;
}

template <void doom()>
struct Stage {
  static constexpr auto op = "layer_norm", signature = "x f32[T,D] -> y f32[T,D]", device = "cpu";
  static void plan(Host, Specs in, Outs out) { out[0] = in[0]; }
  explicit Stage(Host) {}
  void run(Call& call) {
    doom();
    std::memcpy(call.out(0).data(), call.in(0).data(), call.in(0).size_bytes());
  }
};

struct Segv : Stage<segv> {
  static constexpr auto kernel = "segv";
  using Stage::Stage;
};
struct Killed : Stage<killed> {
  static constexpr auto kernel = "killed";
  using Stage::Stage;
};
struct Aborts : Stage<aborts> {
  static constexpr auto kernel = "aborts";
  using Stage::Stage;
};
struct Leaves : Stage<leaves> {
  static constexpr auto kernel = "leaves";
  using Stage::Stage;
};
struct Loops : Stage<loops> {
  static constexpr auto kernel = "loops";
  using Stage::Stage;
};
struct Leaks : Stage<leaks> {
  static constexpr auto kernel = "leaks";
  using Stage::Stage;
};
// What the next candidate gets must not be what this one made of it.
struct Scribbles : Stage<leaves> {
  static constexpr auto kernel = "scribbles";
  using Stage::Stage;
  void run(Call& call) { std::memset(const_cast<float*>(call.in(0).data()), 0, call.in(0).size_bytes()); }
};
struct Early : Stage<leaves> {
  static constexpr auto kernel = "early";
  explicit Early(Host host) : Stage(host) { segv(); }
};

}  // namespace

NPURT_PLUGIN("doom", "1.0.0", Segv, Killed, Aborts, Leaves, Loops, Leaks, Scribbles, Early)
