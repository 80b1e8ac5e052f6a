// A stage in a child process: what it does there can end the child, never this process. Tensors lie in memory that both map; the
// child may write only the outputs of the call under way, so that its inputs are whole for whoever takes over.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "host.hpp"
#include "message.hpp"

namespace npurt {

class Isolated {
 public:
  // Takes the spare child, or starts one, which loads the stage's library again. `host` answers what the stage asks for; all
  // outlive this object. Throws Error(run_failed) if there is no child to be had.
  Isolated(const Stage& stage, const Node& node, Surroundings& around, const npurt_host* host);
  ~Isolated();
  Isolated(const Isolated&) = delete;

  // As the functions of npurt_stage. A child that ends, is silent for longer than the node's `isolate` allows, or grows by more
  // than a GiB gives REFUSE here and FAULT in run, with what happened.
  int32_t plan(const npurt_spec* in, uint32_t inputs, npurt_spec* out, uint32_t outputs);
  int32_t open();
  int32_t run(npurt_call& call);

  double cpu_s() { return std::exchange(cpu_s_, 0); }  // that the child spent since the last time this was asked

 private:
  using clock = std::chrono::steady_clock;
  // Sends, then serves what the stage asks for until it is done; `take` reads what comes with that.
  int32_t ask(const Message& question, int32_t if_lost, const std::function<void(Message&)>& take);
  std::string wait();
  void serve(Message& m);
  void run_inner(Message& m);
  std::string end(std::chrono::milliseconds patience);  // of the child; what became of it
  int32_t lost(const std::string& why, int32_t code);
  npurt_tensor shared(npurt_tensor t);
  void* borrow(uint64_t bytes);

  const Stage& stage_;
  const Node& node_;
  Surroundings& around_;
  const npurt_host* host_;
  Arena& arena_;
  std::unique_ptr<ChildProcess> child_;  // none once it has ended
  bool opened_ = false;
  npurt_call* call_ = nullptr;  // under way
  std::vector<const npurt_inner*> inner_;
  std::vector<Memory> borrowed_;      // until the call ends
  clock::time_point heard_, looked_;  // from the child; at its memory
  uint64_t own_at_open_ = 0;
  double cpu_s_ = 0;
};

// The child's side: serves one stage over `socket` until the parent hangs up. `arena` is the shared memory's file.
int serve_isolated(int socket, int arena);

}  // namespace npurt
