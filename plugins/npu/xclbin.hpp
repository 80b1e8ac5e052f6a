// xclbin files: the container in which XRT takes a design (axlf, as XRT's xclbin.h has it). Written for designs of the virtual
// NPU; read before XRT gets a file, since XRT trusts what it is given.
#pragma once

#include <generations.hpp>
#include <map>
#include <span>
#include <string>

#include "design.hpp"

namespace npurt_npu {

// Kinds of section.
enum Section : uint32_t {
  kMetadata = 2,     // XML: the kernel and its arguments
  kMemories = 6,     // MEM_TOPOLOGY
  kConnections = 7,  // CONNECTIVITY: which argument lies in which memory
  kUnits = 8,        // IP_LAYOUT
  kPartition = 32,   // AIE_PARTITION: columns and PDI
};

// One kernel, MLIR_AIE, called as mlir-aie's are: opcode 3, instructions, their number of words, data buffers.
std::vector<std::byte> xclbin_of(const Generation& g, const Design& design);

struct Xclbin {
  std::map<uint32_t, std::span<const std::byte>> sections;  // the first of each kind
  std::span<const std::byte> pdi;                           // the first one
  bool is_virtual = false;                                  // made for the virtual NPU
};
// Throws LimitError for what XRT would stumble over: it must be a whole file with every section that a kernel needs. The result
// points into `file`.
Xclbin read_xclbin(std::span<const std::byte> file);

}  // namespace npurt_npu
