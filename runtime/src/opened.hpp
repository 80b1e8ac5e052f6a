// The stage that runs a node, here or in a child process; closed when this goes.
#pragma once

#include <memory>

#include "isolated.hpp"

namespace npurt {

class Opened {
 public:
  Opened() = default;
  Opened(const Opened&) = delete;
  ~Opened() { close(); }

  // Makes `s` the stage of the calls that follow, in a child process if the node wants that. Throws Error if it cannot be.
  void choose(const Stage& s, const Node& node, Surroundings& around, const npurt_host* host);
  // As the functions of npurt_stage.
  int32_t plan(const npurt_spec* in, uint32_t inputs, npurt_spec* out, uint32_t outputs);
  int32_t open(const npurt_spec* in, uint32_t inputs);
  int32_t run(npurt_call& call);
  void close();

  double cpu_elsewhere() { return isolated_ ? isolated_->cpu_s() : 0; }  // of the child, since the last call of this

  const Stage* stage = nullptr;

 private:
  const npurt_host* host_ = nullptr;
  void* object_ = nullptr;
  std::unique_ptr<Isolated> isolated_;
};

}  // namespace npurt
