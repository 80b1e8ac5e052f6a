// The hardware, through XRT's C++ API: one context for each design's xclbin, instruction streams as kernels of opcode 3.
//
// Run with XRT 2.25 over the virtual driver, on no hardware yet (docs/hardware.md).
#include "xrt.hpp"

#include <xrt/experimental/xrt_kernel.h>
#include <xrt/experimental/xrt_system.h>
#include <xrt/experimental/xrt_xclbin.h>
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_hw_context.h>
#include <xrt/xrt_kernel.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "xclbin.hpp"

namespace npurt_npu {
namespace {

constexpr uint64_t kTransaction = 3;                     // the opcode of a kernel call that carries an instruction stream
constexpr int kInstructions = 1, kWords = 2, kData = 3;  // arguments of such a kernel

struct XrtBuffer : Buffer {
  XrtBuffer(const xrt::device& device, size_t bytes, xrt::bo::flags flags, xrt::memory_group group)
      : bo(device, bytes, flags, group), data(bo.map<std::byte*>(), bytes) {}
  std::span<std::byte> map() override { return data; }
  void to_device() override { bo.sync(XCL_BO_SYNC_BO_TO_DEVICE); }
  void from_device() override { bo.sync(XCL_BO_SYNC_BO_FROM_DEVICE); }
  xrt::bo bo;
  std::span<std::byte> data;
};

struct XrtProgram : Program {
  XrtProgram(const xrt::device& device, const std::vector<uint32_t>& words, xrt::memory_group group)
      : buffer(device, 4 * words.size(), xrt::bo::flags::cacheable, group), words(static_cast<uint32_t>(words.size())) {
    std::memcpy(buffer.data.data(), words.data(), 4 * words.size());
    buffer.to_device();
  }
  XrtBuffer buffer;
  uint32_t words;
};

bool is_final(ert_cmd_state s) {
  return s != ERT_CMD_STATE_NEW && s != ERT_CMD_STATE_QUEUED && s != ERT_CMD_STATE_RUNNING && s != ERT_CMD_STATE_SUBMITTED;
}

constexpr const char* kVirtual = " (virtual)";  // how the name of a device that tools/vnpu makes ends

// XRT ends the process when a run is destroyed in flight, so what may still be running is kept for ever.
template <typename T>
void bury(T run) {
  static auto& graveyard = *new std::vector<T>;
  graveyard.push_back(std::move(run));
}

// XRT's exceptions as one sentence of ours.
template <typename F>
auto guard(F&& f) {
  try {
    return f();
  } catch (const DeviceError&) {
    throw;
  } catch (const std::exception& e) {
    throw DeviceError(std::string("XRT: ") + e.what());
  }
}

class XrtContext : public Context {
 public:
  // A simulated device has no clock that says anything.
  XrtContext(const xrt::device& device, const std::filesystem::path& file, bool simulated)
      : simulated_(simulated),
        device_(device),
        xclbin_(file.string()),
        context_(device_, (device_.register_xclbin(xclbin_), xclbin_.get_uuid())) {
    const auto kernels = xclbin_.get_kernels();
    if (kernels.empty()) throw DeviceError(file.string() + " holds no kernel");
    kernel_ = xrt::kernel(context_, kernels[0].get_name());
  }

  std::unique_ptr<Buffer> buffer(size_t bytes) override {
    return guard([&] { return std::make_unique<XrtBuffer>(device_, bytes, xrt::bo::flags::host_only, kernel_.group_id(kData)); });
  }
  std::unique_ptr<Program> program(const std::vector<uint32_t>& words) override {
    return guard([&] { return std::make_unique<XrtProgram>(device_, words, kernel_.group_id(kInstructions)); });
  }

  Outcome run(std::span<const Launch> list, std::chrono::milliseconds deadline) override {
    if (spoilt_) throw DeviceError("the context is lost since a run failed");
    spoilt_ = true;
    return guard([&] {
      std::vector<xrt::run> runs;
      for (const Launch& l : list) runs.push_back(prepare(l));
      const auto begin = std::chrono::steady_clock::now();
      if (runs.size() == 1) run_one(runs[0], deadline);
      else run_all(runs, deadline);
      spoilt_ = false;
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      return Outcome{simulated_ ? 0 : seconds, false, 0, 0};
    });
  }

 private:
  xrt::run prepare(const Launch& l) {
    const auto& program = dynamic_cast<const XrtProgram&>(*l.program);
    xrt::run run(kernel_);
    run.set_arg(0, kTransaction);
    run.set_arg(kInstructions, program.buffer.bo);
    run.set_arg(kWords, program.words);
    for (size_t i = 0; i < l.arguments.size(); ++i)
      run.set_arg(kData + static_cast<int>(i), dynamic_cast<XrtBuffer&>(*l.arguments[i]).bo);
    return run;
  }

  static void run_one(xrt::run& run, std::chrono::milliseconds deadline) {
    run.start();
    try {
      if (run.wait2(deadline) != std::cv_status::timeout) return;
    } catch (const xrt::run::command_error&) {
      throw;  // failed, and so it ended
    } catch (const std::exception&) {
      if (is_final(run.state())) throw;  // else a driver with fences reports a time-out like this
    }
    if (!is_final(run.state())) bury(run);
    throw DeviceError("the run did not end in " + std::to_string(deadline.count()) + " ms (state TIMEOUT)");
  }

  void run_all(std::vector<xrt::run>& runs, std::chrono::milliseconds deadline) {
    xrt::runlist list(context_);
    for (const xrt::run& r : runs) list.add(r);
    list.execute();
    try {
      if (list.wait(deadline) != std::cv_status::timeout) return;
    } catch (const xrt::runlist::command_error&) {
      throw;
    } catch (const std::exception& e) {
      bury(std::move(list));
      throw DeviceError(std::string("XRT: ") + e.what());
    }
    bury(std::move(list));
    throw DeviceError("the list of runs did not end in " + std::to_string(deadline.count()) + " ms (state TIMEOUT)");
  }

  bool simulated_;
  xrt::device device_;
  xrt::xclbin xclbin_;
  xrt::hw_context context_;
  xrt::kernel kernel_;
  bool spoilt_ = false;
};

// Where the designs' xclbin files are: NPURT_NPU_DESIGNS, else kernels/ of what was installed.
std::filesystem::path design_file(const std::string& name) {
  const char* folder = std::getenv("NPURT_NPU_DESIGNS");
  std::error_code none;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", none);
  const auto where =
      folder && *folder ? std::filesystem::path(folder) : program.parent_path().parent_path() / "share/npurt/designs";
  const auto file = where / (name + ".xclbin");
  if (!std::filesystem::exists(file, none))
    throw DeviceError("there is no " + file.string() + ": the design was not compiled for hardware");
  return file;
}

// XRT trusts a file, so it is looked at before. Throws DeviceError for one that is damaged or for another device.
void check_design(const std::filesystem::path& file, bool simulated) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  try {
    if (read_xclbin(std::as_bytes(std::span(bytes))).is_virtual != simulated)
      throw DeviceError(file.string() + (simulated ? " is for hardware; this NPU is virtual" : " is for the virtual NPU only"));
  } catch (const LimitError& e) {
    throw DeviceError(file.string() + ": " + e.what());
  }
}

class XrtDevice : public Device {
 public:
  XrtDevice() : device_(0), name_(device_.get_info<xrt::info::device::name>()) {}

  const Generation& generation() const override {
    for (const char* first : {"RyzenAI-npu1", "NPU Phoenix", "NPU Hawk Point"})
      if (name_.starts_with(first)) return npurt_npu::generation("npu1");
    if (name_.starts_with("RyzenAI-npu4") || name_.starts_with("NPU Strix")) return npurt_npu::generation("npu4");
    throw DeviceError("XRT's device '" + name_ + "' is no NPU that npurt knows");
  }
  std::string name() const override { return name_; }
  std::shared_ptr<Context> context(const Design& design) override {
    const std::lock_guard lock(mutex_);
    auto context = contexts_[design.name].lock();
    if (!context) {
      const auto file = design_file(design.name);
      const bool simulated = name_.ends_with(kVirtual);
      check_design(file, simulated);
      try {
        context = std::make_shared<XrtContext>(device_, file, simulated);
      } catch (const std::exception& e) {
        throw DeviceError("no context for " + design.name + ": " + e.what());
      }
      contexts_[design.name] = context;
    }
    return context;
  }

 private:
  std::mutex mutex_;
  xrt::device device_;
  std::string name_;
  std::map<std::string, std::weak_ptr<Context>> contexts_;
};

}  // namespace

std::unique_ptr<Device> xrt_device() {
  try {
    if (xrt::system::enumerate_devices() == 0)
      throw DeviceError("XRT sees no NPU: the amdxdna driver is not loaded, or /dev/accel is not yours (group render)");
    auto device = std::make_unique<XrtDevice>();
    device->generation();
    return device;
  } catch (const DeviceError&) {
    throw;
  } catch (const std::exception& e) {
    throw DeviceError(std::string("XRT cannot open the NPU: ") + e.what());
  }
}

}  // namespace npurt_npu
