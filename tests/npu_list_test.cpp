// A list of runs through the device interface: on the virtual NPU, or with NPURT_TEST_NPU=xrt on what XRT has.
#include <cstdlib>
#include <cstring>

#include "../plugins/npu/device.hpp"
#include "../plugins/npu/gemm.hpp"
#include "catch.hpp"

using namespace npurt_npu;

TEST_CASE("a list of runs runs in order and is waited for once") {
  const char* mode = std::getenv("NPURT_TEST_NPU");
  Device& device = open_device(mode ? mode : "virtual");
  const GemmTile& t = gemm_i8();
  const GemmShape s = padded(device.generation(), t, {1, 64, 1});
  auto context = device.context(gemm_design(device.generation(), t));
  auto program = context->program(gemm_instructions(device.generation(), t, s));
  auto a = context->buffer(s.m * s.k), b = context->buffer(s.k * s.n);
  std::memset(b->map().data(), 1, b->map().size());
  b->to_device();
  std::memset(a->map().data(), 3, a->map().size());
  a->to_device();
  // More than XRT sends at once; each has its own output.
  std::vector<std::unique_ptr<Buffer>> c;
  std::vector<Launch> list;
  for (int i = 0; i < 30; ++i) {
    c.push_back(context->buffer(4 * s.m * s.n));
    list.push_back({program.get(), {a.get(), b.get(), c.back().get()}});
  }
  context->run(list, std::chrono::minutes(2));
  for (auto& buffer : c) {
    buffer->from_device();
    const auto* out = reinterpret_cast<const int32_t*>(buffer->map().data());
    CHECK(out[0] == 3 * 64);
    CHECK(out[s.m * s.n - 1] == 3 * 64);
  }
}

TEST_CASE("a stream that the hardware could not do ends the run, not the process") {
  const char* mode = std::getenv("NPURT_TEST_NPU");
  Device& device = open_device(mode ? mode : "virtual");
  auto context = device.context(gemm_design(device.generation(), gemm_i8()));
  auto program = context->program({1, 2, 3, 4, 5});
  auto buffer = context->buffer(4096);
  const Launch launch{program.get(), {buffer.get(), buffer.get(), buffer.get()}};
  CHECK_THROWS_AS(context->run({&launch, 1}, std::chrono::minutes(2)), DeviceError);
}
