// What a virtual NPU is given: an xclbin, a design (PDI), or else an instruction stream. What is refused must say which limit or
// place; a design that is taken runs a launch.
#include <cstring>

#include "../../plugins/npu/designs.hpp"
#include "../../plugins/npu/device.hpp"
#include "../../plugins/npu/gemm.hpp"
#include "../../plugins/npu/pdi.hpp"
#include "../../plugins/npu/virtual/machine.hpp"
#include "../../plugins/npu/xclbin.hpp"
#include "fuzz.hpp"

using namespace npurt_npu;

namespace {

constexpr uint64_t kMostWords = 1 << 16;

const Generation& npu1() { return generation("npu1"); }

// Buffers of the sizes that the seeds' launches want.
struct Buffers {
  Buffers() {
    for (auto& b : data) b.resize(1 << 19);
    for (size_t i = 0; i < 3; ++i) all.push_back({(i + 1) << 32, data[i].data(), data[i].size()});
  }
  std::vector<std::byte> data[3];
  std::vector<Argument> all;
};

void run(Machine& machine, std::span<const uint32_t> stream) {
  static Buffers buffers;
  machine.execute(stream, buffers.all, kMostWords);
}

// A machine that refused something is spoilt.
template <typename F>
bool refused(F&& f) {
  try {
    f();
    return false;
  } catch (const LimitError& e) {
    if (std::string(e.what()).size() < 10) std::abort();
  } catch (const StreamError& e) {
    if (std::string(e.what()).size() < 10) std::abort();
  } catch (const Hang& e) {
    if (std::string(e.what()).size() < 10) std::abort();
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Design> designs = all_designs(npu1());
  static std::map<const Design*, std::unique_ptr<Machine>> machines;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const bool xclbin = size >= 4 && std::memcmp(data, "xcl", 3) == 0, pdi = size >= 4 && std::memcmp(data, "NPRV", 4) == 0;
  if (xclbin || pdi) {
    refused([&] {
      const Design d = design_of(npu1(), xclbin ? read_xclbin(bytes).pdi : bytes);
      Machine machine(npu1(), d);
      run(machine, gemm_instructions(npu1(), gemm_i8(), padded(npu1(), gemm_i8(), {1, 1, 1})));
    });
    return 0;
  }
  std::vector<uint32_t> stream(size / 4);
  if (!stream.empty()) std::memcpy(stream.data(), data, 4 * stream.size());
  for (const Design& d : designs) {
    auto& machine = machines[&d];
    if (!machine) machine = std::make_unique<Machine>(npu1(), d);
    if (refused([&] { run(*machine, stream); })) machine.reset();
  }
  return 0;
}
