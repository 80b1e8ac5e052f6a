// What the Linux driver amdxdna is asked through ioctl (include/uapi/drm/amdxdna_accel.h of Linux 6.14), and the packets that
// carry commands (XRT's ert.h): layouts and numbers only.
#pragma once

#include <cstdint>

namespace npurt_npu::uapi {

// An ioctl of type 'd': generic DRM calls by their own number, the driver's from kFirst on.
constexpr unsigned kFirst = 0x40, kEnd = 0xA0;
constexpr unsigned kGemClose = 0x09, kSyncobjDestroy = 0xC0, kTimelineWait = 0xCA;
enum Call : unsigned {
  kCreateContext,
  kDestroyContext,
  kConfigContext,
  kCreateBo,
  kGetBoInfo,
  kSyncBo,
  kExec,
  kGetInfo,
  kSetState,
  kWait,
  kGetArray
};

struct CreateContext {
  uint64_t ext, ext_flags, qos;
  uint32_t umq_bo, log_bo, max_opc, tiles, memory, doorbell, handle, syncobj;
};
struct DestroyContext {
  uint32_t handle, pad;
};
struct ConfigContext {
  uint32_t handle, type;
  uint64_t value;
  uint32_t bytes, pad;
};
constexpr uint32_t kConfigCus = 0;
struct Cu {
  uint32_t bo;
  uint8_t function, pad[3];
};
enum BoType : uint32_t { kShare = 1, kHeap = 2, kDev = 3, kCmd = 4 };
struct CreateBo {
  uint64_t flags, vaddr, bytes;
  uint32_t type, handle;
};
struct GetBoInfo {
  uint64_t ext, ext_flags;
  uint32_t handle, pad;
  uint64_t map_offset, vaddr, address;
};
struct SyncBo {
  uint32_t handle, direction;
  uint64_t offset, bytes;
};
struct Exec {
  uint64_t ext, ext_flags;
  uint32_t context, type;
  uint64_t commands, arguments;  // one command: its handle; arguments: pointer to handles
  uint32_t command_count, argument_count;
  uint64_t sequence;
};
struct Wait {
  uint32_t context, milliseconds;  // 0: for ever
  uint64_t sequence;
};
struct GetInfo {
  uint32_t parameter, bytes;
  uint64_t buffer;
};
enum Info : uint32_t { kAieMetadata = 1, kAieVersion = 2, kClocks = 3, kFirmware = 8, kPowerMode = 9 };
struct GetArray {
  uint32_t parameter, element_bytes, count, pad;
  uint64_t buffer;
};
struct TimelineWait {
  uint64_t handles, points;
  int64_t deadline;  // of CLOCK_MONOTONIC, in ns
  uint32_t count, flags, first, pad;
};
struct RowKind {
  uint16_t rows, first_row, dma_channels, locks, events, pad[3];
};
struct AieMetadata {
  uint32_t column_bytes;
  uint16_t columns, rows;
  uint32_t major, minor;
  RowKind core, memtile, shim;
};

static_assert(sizeof(CreateContext) == 56 && sizeof(ConfigContext) == 24 && sizeof(CreateBo) == 32 && sizeof(GetBoInfo) == 48 &&
              sizeof(Exec) == 56 && sizeof(AieMetadata) == 64);

// First word of a packet: state in bits 0-3, words of extra masks in 10-11, words that follow in 12-22, opcode in 23-27.
enum State : uint32_t { kNew = 1, kCompleted = 4, kError = 5, kAbort = 6, kTimeout = 8 };
constexpr uint32_t kStart = 0, kChain = 19;
constexpr uint32_t extra_masks(uint32_t header) { return header >> 10 & 3; }
constexpr uint32_t words(uint32_t header) { return header >> 12 & 0x7FF; }
constexpr uint32_t opcode(uint32_t header) { return header >> 23 & 31; }
// A chain: number of commands, submit index, error index, three words, then a u64 handle for each command.
constexpr uint32_t kChainCount = 1, kChainSubmit = 2, kChainError = 3, kChainHandles = 7;

}  // namespace npurt_npu::uapi
