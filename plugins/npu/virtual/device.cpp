#include "device.hpp"

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "cost.hpp"
#include "faults.hpp"
#include "machine.hpp"

namespace npurt_npu {
namespace {

// The driver's own limit for one job.
constexpr std::chrono::milliseconds kJobLimit{2000};

// Buffers lie in a made-up address space, so that every access of the device is checked against the table of a launch.
constexpr uint64_t kFirstAddress = uint64_t{1} << 32, kAlignment = 4096;

struct VirtualBuffer : Buffer {
  VirtualBuffer(uint64_t where, size_t n) : address(where), bytes(n), data(static_cast<std::byte*>(std::calloc(n, 1))) {
    if (!data) throw DeviceError("no memory for a buffer of " + std::to_string(n) + " bytes");
  }
  ~VirtualBuffer() override { std::free(data); }
  std::span<std::byte> map() override { return {data, bytes}; }
  void to_device() override {}
  void from_device() override {}
  uint64_t address;
  size_t bytes;
  std::byte* data;
};

struct VirtualProgram : Program {
  explicit VirtualProgram(std::vector<uint32_t> w) : words(std::move(w)) {}
  std::vector<uint32_t> words;
};

struct Shared {
  std::mutex mutex;  // launches come from several lanes
  const Generation& generation;
  Faults faults;
  uint64_t next_address = kFirstAddress;
  unsigned contexts = 0;
  const void* loaded = nullptr;  // the context that ran last
};

class VirtualContext : public Context {
 public:
  VirtualContext(Shared& shared, const Design& design) : shared_(shared) {
    if (shared.faults.due_before_run("contexts") || shared.contexts >= shared.generation.contexts)
      throw DeviceError("no context for " + design.name + ": " + shared.generation.name + " allows " +
                        std::to_string(shared.generation.contexts));
    machine_ = std::make_unique<Machine>(shared.generation, design);
    ++shared.contexts;
  }
  ~VirtualContext() override {
    --shared_.contexts;
    if (shared_.loaded == this) shared_.loaded = nullptr;
  }

  std::unique_ptr<Buffer> buffer(size_t bytes) override {
    const std::lock_guard lock(shared_.mutex);
    if (shared_.faults.due_before_run("memory"))
      throw DeviceError("no memory for a buffer of " + std::to_string(bytes) + " bytes (ENOMEM)");
    const uint64_t address = shared_.next_address;
    shared_.next_address += (bytes / kAlignment + 2) * kAlignment;  // never next to each other
    return std::make_unique<VirtualBuffer>(address, bytes);
  }
  std::unique_ptr<Program> program(const std::vector<uint32_t>& words) override {
    return std::make_unique<VirtualProgram>(words);
  }

  Outcome run(std::span<const Launch> list, std::chrono::milliseconds deadline) override {
    const std::lock_guard lock(shared_.mutex);
    if (!machine_) throw DeviceError("the context is lost since a run failed");
    Outcome outcome;
    outcome.modelled = true;
    outcome.seconds = dispatch_seconds(shared_.generation, list.size());
    if (shared_.loaded && shared_.loaded != this) outcome.seconds += shared_.generation.switch_us * 1e-6;
    shared_.loaded = this;
    try {
      for (const Launch& l : list) run_one(l, outcome);
    } catch (const DeviceError&) {
      machine_.reset();
      throw;
    }
    if (outcome.seconds > std::chrono::duration<double>(std::min(deadline, kJobLimit)).count()) {
      machine_.reset();
      throw DeviceError("the run did not end in " + std::to_string(deadline.count()) + " ms (state TIMEOUT)");
    }
    return outcome;
  }

 private:
  void run_one(const Launch& l, Outcome& outcome) {
    Faults& faults = shared_.faults;
    faults.next_run();
    if (faults.due("lost")) throw DeviceError("the device is gone (ENODEV)");
    if (faults.due("hang")) throw DeviceError("the run did not end before its deadline (state TIMEOUT)");
    if (faults.due("error")) throw DeviceError("the run failed (state ERROR)");
    if (faults.due("abort")) throw DeviceError("the run was given up (state ABORT)");
    if (faults.due("slow")) outcome.seconds += std::chrono::duration<double>(kJobLimit).count();
    std::vector<Argument> arguments;
    for (Buffer* b : l.arguments) {
      auto* v = dynamic_cast<VirtualBuffer*>(b);
      if (!v) throw DeviceError("a buffer of another device");
      arguments.push_back({v->address, v->data, v->bytes});
    }
    try {
      const Usage u = machine_->execute(dynamic_cast<const VirtualProgram&>(*l.program).words, arguments);
      outcome.seconds += launch_seconds(shared_.generation, u);
      outcome.read += u.read;
      outcome.written += u.written;
    } catch (const StreamError& e) {
      throw DeviceError(std::string("the virtual NPU refused the instruction stream: ") + e.what());
    } catch (const Hang& e) {
      throw DeviceError(std::string("the run never ends (state TIMEOUT): ") + e.what());
    }
    faults.spoil(arguments.back().data, arguments.back().bytes);
  }

  Shared& shared_;
  std::unique_ptr<Machine> machine_;
};

class VirtualDevice : public Device {
 public:
  VirtualDevice(const Generation& g, const std::string& faults) : shared_{{}, g, Faults(faults)} {}
  const Generation& generation() const override { return shared_.generation; }
  std::string name() const override { return std::string("virtual ") + shared_.generation.title; }
  std::shared_ptr<Context> context(const Design& design) override {
    const std::lock_guard lock(mutex_);
    auto& known = contexts_[design.name];
    auto context = known.lock();
    if (!context) {
      context = std::make_shared<VirtualContext>(shared_, design);
      known = context;
    }
    return context;
  }

 private:
  std::mutex mutex_;
  Shared shared_;
  std::map<std::string, std::weak_ptr<Context>> contexts_;
};

}  // namespace

std::unique_ptr<Device> virtual_device(const Generation& generation, const std::string& faults) {
  return std::make_unique<VirtualDevice>(generation, faults);
}

}  // namespace npurt_npu
