// A design (an overlay): what stays on the NPU while launches come and go. One design serves every shape; the shape is in the
// instruction stream of each launch.
#pragma once

#include <string>
#include <vector>

#include "core.hpp"

namespace npurt_npu {

struct Port {
  unsigned column, row, channel;
  bool operator==(const Port&) const = default;
};

// A connection that the stream switches make, from an MM2S channel to one or more S2MM channels.
struct Route {
  Port from;
  std::vector<Port> to;
};

struct CoreAt {
  unsigned column, row;
  std::string name;  // of the program, as core_program knows it
  CoreProgram program;
};

struct Design {
  std::string name;
  std::vector<uint32_t> configuration;  // descriptors, locks and tasks of memory tiles and cores, as an instruction stream
  std::vector<Route> routes;
  std::vector<CoreAt> cores;
};

}  // namespace npurt_npu
