// Where things are in a tile (AM025), for both generations. An address is column << 25 | row << 20 | offset; columns count from
// the partition's first.
#pragma once

#include <cstdint>

namespace npurt_npu {

enum class TileKind { shim, memtile, core };
enum class Direction { in, out };  // as seen by the tile: S2MM, MM2S

constexpr uint32_t address(unsigned column, unsigned row, uint32_t offset) { return column << 25 | row << 20 | offset; }
constexpr unsigned column_of(uint32_t address) { return address >> 25; }
constexpr unsigned row_of(uint32_t address) { return address >> 20 & 31; }
constexpr uint32_t offset_of(uint32_t address) { return address & 0xFFFFF; }
constexpr TileKind kind_of_row(unsigned row) { return row == 0 ? TileKind::shim : row == 1 ? TileKind::memtile : TileKind::core; }

// The registers of one kind of tile.
struct Map {
  uint32_t locks;                // 16 bytes each
  uint32_t bds;                  // 32 bytes each
  unsigned bd_words;             // that a descriptor has
  uint32_t queue_in, queue_out;  // task queue of channel 0; 8 bytes from one to the next
  uint32_t data;                 // bytes of data memory, from offset 0
};
constexpr Map map_of(TileKind kind) {
  switch (kind) {
    case TileKind::shim:
      return {0x14000, 0x1D000, 8, 0x1D204, 0x1D214, 0};
    case TileKind::memtile:
      return {0xC0000, 0xA0000, 8, 0xA0604, 0xA0634, 0x80000};
    default:
      return {0x1F000, 0x1D000, 6, 0x1DE04, 0x1DE14, 0x10000};
  }
}
constexpr uint32_t lock_register(TileKind kind, unsigned id) { return map_of(kind).locks + 16 * id; }
constexpr uint32_t bd_register(TileKind kind, unsigned id) { return map_of(kind).bds + 32 * id; }
constexpr uint32_t queue_register(TileKind kind, Direction d, unsigned channel) {
  const Map m = map_of(kind);
  return (d == Direction::in ? m.queue_in : m.queue_out) + 8 * channel;
}

// What is written to a task queue: run this descriptor repeat + 1 times, and send a token to the host at the end.
constexpr uint32_t task(unsigned bd, unsigned repeat = 0, bool token = false) {
  return bd | repeat << 16 | static_cast<uint32_t>(token) << 31;
}

// Opcodes of an instruction stream.
enum Opcode : uint32_t {
  kWrite32 = 0,
  kBlockWrite = 1,
  kMaskWrite = 3,
  kMaskPoll = 4,
  kNoop = 5,
  kSync = 0x80,
  kPatch = 0x81,
};

}  // namespace npurt_npu
