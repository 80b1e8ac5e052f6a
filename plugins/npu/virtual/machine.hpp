// The virtual NPU: tiles with their memory, locks, descriptors and DMA channels, the connections of a design, and cores that run
// the kernels' own sources. It executes instruction streams and refuses what the hardware could not do, naming the limit and
// the word. It knows no time: what a launch used is handed to the cost model.
#pragma once

#include <generations.hpp>
#include <map>
#include <memory>
#include <span>

#include "channel.hpp"
#include "usage.hpp"

namespace npurt_npu {

// A stream that the virtual NPU refuses; what() names the word and the limit.
struct StreamError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// A launch that never ends; what() names what waits for what.
struct Hang : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A data buffer as a launch sees it.
struct Argument {
  uint64_t address;  // in the device's address space
  std::byte* data;
  uint64_t bytes;
};

// Data memory, aligned as vector loads of a core want it.
class TileMemory {
 public:
  void resize(size_t bytes) { lines_.resize(bytes / sizeof(Line)); }
  std::byte* data() { return lines_.data()->bytes; }
  size_t size() const { return lines_.size() * sizeof(Line); }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> lines_;
};

struct Tile {
  TileKind kind;
  unsigned column, row;
  TileMemory memory;
  Locks locks;
  std::vector<std::array<uint32_t, 8>> bds;
  std::vector<uint32_t> iterations;  // how often each descriptor ran
  std::vector<Channel> in, out;
};

class Machine {
 public:
  // Loads a design: its configuration is executed. Throws StreamError.
  Machine(const Generation& generation, const Design& design);

  // Executes one launch. Throws StreamError or Hang, after which the machine is spoilt. A launch that moves more than
  // `most_words` words through one channel is taken for one that never ends.
  Usage execute(std::span<const uint32_t> stream, std::span<const Argument> arguments, uint64_t most_words = uint64_t{1} << 31);

 private:
  struct Running {
    Tile* tile;
    std::unique_ptr<Core> core;
    CoreTask task;
    uint64_t cycles = 0;
  };

  Tile& tile(unsigned column, unsigned row);
  Channel* channel(Tile& t, Direction d, unsigned number);
  void interpret(std::span<const uint32_t> stream, bool configuring);
  void write(uint32_t address, uint32_t value);
  void push(Tile& t, Channel& c, uint32_t value);
  void patch(const uint32_t* words);
  void sync(const uint32_t* words);

  // Moves everything that can move, until it is done or nothing moves.
  template <typename Done>
  void run(Done&& done);
  bool move(Tile& from, Channel& out, const std::vector<std::pair<Tile*, Channel*>>& to);
  bool ready(Tile& t, Channel& c);
  void finish(Tile& t, Channel& c);
  void locate(Tile& t, Channel& c);
  std::string waiting() const;
  unsigned count(unsigned shim, unsigned memtile, unsigned core, TileKind kind) const;

  struct Wire {
    Tile* from;
    Channel* out;
    std::vector<std::pair<Tile*, Channel*>> to;
  };

  const Generation generation_;
  const Design design_;  // core programs live in it
  std::vector<std::unique_ptr<Tile>> tiles_;
  std::vector<Wire> wires_;
  std::vector<Running> cores_;
  std::span<const Argument> arguments_;
  std::vector<uint32_t> words_;  // on their way from one tile to others
  uint64_t most_words_ = 0;
  Usage usage_;
};

}  // namespace npurt_npu
