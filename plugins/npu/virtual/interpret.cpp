// How the virtual NPU reads an instruction stream: every length is checked against what is there, every address against the
// registers that exist.
#include <algorithm>
#include <cstring>

#include "machine.hpp"

namespace npurt_npu {
namespace {

constexpr size_t kHeader = 4;

std::string hex(uint32_t x) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", x);
  return text;
}

}  // namespace

void Machine::interpret(std::span<const uint32_t> s, bool configuring) {
  size_t at = 0;
  try {
    if (s.size() < kHeader) throw LimitError("the stream has " + std::to_string(s.size()) + " words; the header alone has 4");
    if (s[0] != generation_.transaction)
      throw LimitError("the header says " + hex(s[0]) + "; " + generation_.name + " wants " + hex(generation_.transaction));
    at = 1;
    if (s[1] != (1U << 8 | generation_.columns))
      throw LimitError("the stream is for " + std::to_string(s[1] & 255) + " columns and " + std::to_string(s[1] >> 8) +
                       " rows of memory tiles; the partition has " + std::to_string(generation_.columns) + " and 1");
    at = 3;
    if (s[3] != 4 * s.size())
      throw LimitError("the header counts " + std::to_string(s[3]) + " bytes of " + std::to_string(4 * s.size()));
    uint32_t count = 0;
    for (at = kHeader; at < s.size(); ++count) {
      const uint32_t* w = s.data() + at;
      const size_t left = s.size() - at;
      auto need = [&](size_t words, uint32_t said) {
        if (left < words) throw LimitError("the stream ends inside an operation");
        if (said != 4 * words)
          throw LimitError("the operation says that it has " + std::to_string(said) + " bytes; it has " +
                           std::to_string(4 * words));
        return words;
      };
      switch (w[0]) {
        case kWrite32:
          if (left < 6) throw LimitError("the stream ends inside an operation");
          need(6, w[5]);
          write(w[2], w[4]);
          at += 6;
          break;
        case kBlockWrite: {
          if (left < 4) throw LimitError("the stream ends inside an operation");
          if (w[3] < 20 || w[3] % 4 || w[3] / 4 > left) throw LimitError("a block of " + std::to_string(w[3]) + " bytes");
          const uint32_t n = w[3] / 4 - 4;
          for (uint32_t i = 0; i < n; ++i) write(w[2] + 4 * i, w[4 + i]);
          at += 4 + n;
          break;
        }
        case kNoop:
          at += 1;
          break;
        case kSync:
          if (left < 4) throw LimitError("the stream ends inside an operation");
          if (configuring) throw LimitError("a design's configuration cannot wait");
          need(4, w[1]);
          sync(w);
          at += 4;
          break;
        case kPatch:
          if (left < 12) throw LimitError("the stream ends inside an operation");
          need(12, w[1]);
          patch(w);
          at += 12;
          break;
        default:
          throw LimitError("operation " + std::to_string(w[0]) + " is not one that the virtual NPU has");
      }
    }
    at = 2;
    if (s[2] != count)
      throw LimitError("the header counts " + std::to_string(s[2]) + " operations; there are " + std::to_string(count));
  } catch (const LimitError& e) {
    throw StreamError("word " + std::to_string(at) + ": " + e.what());
  }
}

void Machine::write(uint32_t address, uint32_t value) {
  Tile& t = tile(column_of(address), row_of(address));
  const uint32_t offset = offset_of(address);
  const Map m = map_of(t.kind);
  if (offset % 4) throw LimitError("address " + hex(address) + " is not a multiple of 4");
  if (offset < t.memory.size()) {
    std::memcpy(t.memory.data() + offset, &value, sizeof value);
    return;
  }
  if (offset >= m.bds && offset < m.bds + 32 * t.bds.size() && (offset - m.bds) / 4 % 8 < m.bd_words) {
    const unsigned id = (offset - m.bds) / 32;
    for (auto* side : {&t.in, &t.out})
      for (const Channel& c : *side)
        if (c.uses(id)) throw LimitError("descriptor " + std::to_string(id) + " is written while a task uses it");
    t.bds[id][(offset - m.bds) / 4 % 8] = value;
    t.iterations[id] = 0;
    return;
  }
  const unsigned locks = count(generation_.shim_locks, generation_.memtile_locks, generation_.core_locks, t.kind);
  if (offset >= m.locks && offset < m.locks + 16 * locks && offset % 16 == 0) {
    if (value > Locks::kMost) throw LimitError("a lock is set to " + std::to_string(value) + "; locks hold 0 to 63");
    t.locks.set((offset - m.locks) / 16, static_cast<int>(value));
    return;
  }
  for (auto* side : {&t.in, &t.out})
    for (Channel& c : *side)
      if (offset == queue_register(t.kind, c.direction, c.number)) return push(t, c, value);
  throw LimitError("there is no register at " + hex(address));
}

void Machine::push(Tile& t, Channel& c, uint32_t value) {
  const Task task{value & (t.kind == TileKind::memtile ? 63U : 15U), value >> 16 & 255, value >> 31 != 0};
  if (task.bd >= t.bds.size())
    throw LimitError("a task for descriptor " + std::to_string(task.bd) + "; there are " + std::to_string(t.bds.size()));
  if (c.queue.size() >= generation_.task_queue)
    throw LimitError("more than " + std::to_string(generation_.task_queue) + " tasks wait on one channel");
  const bool connected = std::any_of(wires_.begin(), wires_.end(), [&](const Wire& w) {
    return w.out == &c || std::any_of(w.to.begin(), w.to.end(), [&](const auto& end) { return end.second == &c; });
  });
  if (!connected) throw LimitError("a task for a channel that the design connects to nothing");
  if (t.kind == TileKind::shim) ++usage_.pushes;
  c.queue.push_back(task);
}

void Machine::patch(const uint32_t* w) {
  Tile& t = tile(column_of(w[6]), row_of(w[6]));
  const uint32_t offset = offset_of(w[6]), first = map_of(t.kind).bds + 4;
  if (t.kind != TileKind::shim || offset < first || (offset - first) % 32 || (offset - first) / 32 >= t.bds.size())
    throw LimitError(hex(w[6]) + " is not the address register of a shim's descriptor");
  if (w[8] >= arguments_.size())
    throw LimitError("it wants buffer " + std::to_string(w[8]) + "; the launch has " + std::to_string(arguments_.size()));
  const uint64_t address = arguments_[w[8]].address + w[10];
  if (address % 4) throw LimitError("an offset of " + std::to_string(w[10]) + " bytes is not a multiple of 4");
  const auto& bd = t.bds[(offset - first) / 32];
  const uint32_t upper = (bd[2] & 0xFFFF0000) | static_cast<uint32_t>(address >> 32 & 0xFFFF);
  write(w[6], static_cast<uint32_t>(address));
  write(w[6] + 4, upper);
}

}  // namespace npurt_npu
