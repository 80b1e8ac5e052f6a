// Buffer descriptors: what a DMA channel walks over, and their register form in each kind of tile (AM025).
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "registers.hpp"

namespace npurt_npu {

// A limit of the hardware that something would break; the sentence names the limit.
struct LimitError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Dim {
  uint32_t size = 0;  // elements before the next dim moves; 0: all the rest. The outermost dim has none
  uint32_t step = 1;  // in 32-bit words
};

struct LockUse {
  uint8_t id = 0;
  int8_t value = 0;  // acquire: -n waits for at least n and takes n; n >= 0 waits for n. release: is added
};

struct Descriptor {
  uint64_t base = 0;                                // in bytes: of the tile's data memory, or of the host's address space
  uint32_t length = 0;                              // in words
  std::array<Dim, 4> dims;                          // innermost first; the shim and cores have three
  uint32_t iteration_step = 0, iteration_size = 1;  // words added after each run, and after how many runs it starts again
  bool acquires = false;
  LockUse acquire, release;  // release.value 0: nothing
  bool chained = false;
  uint8_t next = 0;

  // The register words. Throws LimitError for what does not fit.
  std::vector<uint32_t> encode(TileKind kind) const;
  // Throws LimitError for what is not valid, or not modelled (packets, compression, padding).
  static Descriptor decode(TileKind kind, const uint32_t* words);
};

}  // namespace npurt_npu
