// What npurt asks of an NPU, whichever way it is reached: contexts that hold a design, buffers, instruction streams, and lists of
// runs that are waited for once.
#pragma once

#include <chrono>
#include <generations.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "design.hpp"

namespace npurt_npu {

// The device or the driver failed, or refused. `what` is one sentence.
struct DeviceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Memory that host and device see. Both directions of a sync are the owner's business: after the host wrote, and before it reads.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual std::span<std::byte> map() = 0;
  virtual void to_device() = 0;
  virtual void from_device() = 0;
};

// An instruction stream in the device's memory.
class Program {
 public:
  virtual ~Program() = default;
};

struct Launch {
  const Program* program;
  std::vector<Buffer*> arguments;
};

// What a list of runs came to.
struct Outcome {
  double seconds = 0;              // on the device, from submission to completion
  bool modelled = false;           // seconds are the cost model's, not measured
  uint64_t read = 0, written = 0;  // bytes of host memory; 0 where unknown
};

// A design on the device. Its buffers and programs must not outlive it.
class Context {
 public:
  virtual ~Context() = default;
  virtual std::unique_ptr<Buffer> buffer(size_t bytes) = 0;
  virtual std::unique_ptr<Program> program(const std::vector<uint32_t>& instructions) = 0;
  // Runs the launches in order and waits once, at most until the deadline. Throws DeviceError; after a time-out the context is
  // spoilt and every later run fails.
  virtual Outcome run(std::span<const Launch> list, std::chrono::milliseconds deadline) = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const Generation& generation() const = 0;
  virtual std::string name() const = 0;  // "virtual NPU1", "RyzenAI-npu1 (XRT 2.25.0)"
  // The context of this design, made at the first call and shared while anyone holds it. Throws DeviceError.
  virtual std::shared_ptr<Context> context(const Design& design) = 0;
};

// The generation of that name in configs/devices.yaml; throws DeviceError.
const Generation& generation(const std::string& name);

// `--npu`: "virtual" is the simulator (of the generation NPURT_VIRTUAL_NPU names, else npu1), "xrt" the hardware through XRT,
// "auto" the hardware if it is there, "off" none. One device per process. Throws DeviceError with the sentence for the user.
Device& open_device(const std::string& mode);

}  // namespace npurt_npu
