#include "driver.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace npurt_npu {

using namespace uapi;
using Clock = std::chrono::steady_clock;

namespace {

constexpr uint32_t kMostArguments = 256, kMostInfo = 65536;
constexpr uint32_t kFirstSyncobj = 100;

// From and to memory that the client names; throws Errno(EFAULT) where there is none.
void copy(void* ours, uint64_t theirs, size_t bytes, decltype(::process_vm_readv)* how) {
  const iovec local{ours, bytes}, remote{reinterpret_cast<void*>(theirs), bytes};
  if (bytes && how(::getpid(), &local, 1, &remote, 1, 0) != static_cast<ssize_t>(bytes)) throw Errno{EFAULT};
}
template <typename T>
T from_client(uint64_t address) {
  T value;
  copy(&value, address, sizeof value, ::process_vm_readv);
  return value;
}

}  // namespace

// Held as a lock on a file, so that a process that dies gives its slots back.
struct Driver::Slot {
  explicit Slot(unsigned most) {
    for (unsigned i = 0; i < most; ++i) {
      const std::string name = "/tmp/vnpu-context-" + std::to_string(i);
      file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
      if (file >= 0 && ::flock(file, LOCK_EX | LOCK_NB) == 0) return;
      if (file >= 0) ::close(file);
    }
    throw Errno{EINVAL};
  }
  Slot(const Slot&) = delete;
  ~Slot() { ::close(file); }
  int file;
};

struct Driver::Held {
  std::unique_ptr<Slot> slot;
  std::shared_ptr<HwContext> context;
};

Driver::Driver(int memory, const Generation& generation, const std::string& faults, bool syncobjs)
    : shared_{generation, Faults(faults), {}}, syncobjs_(syncobjs), objects_(memory) {}
Driver::~Driver() = default;

int Driver::control(unsigned number, void* argument) {
  try {
    dispatch(number, argument);
    return 0;
  } catch (const Errno& e) {
    return e.value;
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
}

void Driver::dispatch(unsigned number, void* argument) {
  if (!argument) throw Errno{EFAULT};
  std::unique_lock lock(mutex_);
  switch (number) {
    case kGemClose:
      return objects_.close(*static_cast<const uint32_t*>(argument));
    case kSyncobjDestroy:
      return;
    case kTimelineWait:
      lock.unlock();
      return wait(*static_cast<const TimelineWait*>(argument));
    case kFirst + kCreateContext:
      return create_context(*static_cast<CreateContext*>(argument));
    case kFirst + kDestroyContext: {
      const auto it = contexts_.find(static_cast<const DestroyContext*>(argument)->handle);
      if (it == contexts_.end()) throw Errno{EINVAL};
      const Held gone = std::move(it->second);
      contexts_.erase(it);
      lock.unlock();  // it ends when its thread does
      return;
    }
    case kFirst + kConfigContext:
      return config_context(*static_cast<const ConfigContext*>(argument));
    case kFirst + kCreateBo:
      return create_bo(*static_cast<CreateBo*>(argument));
    case kFirst + kGetBoInfo: {
      auto& a = *static_cast<GetBoInfo*>(argument);
      const auto o = objects_.at(a.handle);
      a.map_offset = o->offset, a.vaddr = 0, a.address = o->address;
      return;
    }
    case kFirst + kSyncBo: {
      const auto& a = *static_cast<const SyncBo*>(argument);
      const auto o = objects_.at(a.handle);
      if (a.direction > 1 || a.offset > o->bytes || a.bytes > o->bytes - a.offset) throw Errno{EINVAL};
      return;
    }
    case kFirst + kExec:
      lock.unlock();
      return exec(*static_cast<Exec*>(argument));
    case kFirst + kGetInfo:
      return get_info(*static_cast<const GetInfo*>(argument));
    case kFirst + kSetState:
      return;
    case kFirst + kWait:
      lock.unlock();
      return wait(*static_cast<const Wait*>(argument));
    case kFirst + kGetArray:
      static_cast<GetArray*>(argument)->count = 0;
      return;
    default:
      throw Errno{EINVAL};
  }
}

std::shared_ptr<HwContext> Driver::context(uint32_t handle) {
  const auto it = contexts_.find(handle);
  if (it == contexts_.end()) throw Errno{EINVAL};
  return it->second.context;
}

void Driver::create_context(CreateContext& a) {
  const unsigned tiles = shared_.generation.columns * (shared_.generation.rows - 2);
  if (a.tiles == 0 || a.tiles > tiles) throw Errno{EINVAL};
  if (shared_.faults.due_before_run("contexts")) throw Errno{EINVAL};
  auto slot = std::make_unique<Slot>(shared_.generation.contexts);
  contexts_[next_] = {std::move(slot), std::make_shared<HwContext>(shared_)};
  a.handle = next_++;
  a.doorbell = ~0U;
  a.syncobj = syncobjs_ ? kFirstSyncobj + a.handle : 0;
}

void Driver::config_context(const ConfigContext& a) {
  const auto c = context(a.handle);
  if (a.type != kConfigCus || a.bytes < 16) throw Errno{EINVAL};
  const auto count = from_client<uint16_t>(a.value);
  // Every core program of a design is in its one PDI.
  if (count != 1 || a.bytes < 8 + sizeof(Cu) * count) throw Errno{EINVAL};
  const auto o = objects_.at(from_client<Cu>(a.value + 8).bo);
  if (o->type != kDev) throw Errno{EINVAL};
  c->configure({o->data, o->bytes});
}

void Driver::create_bo(CreateBo& a) {
  if (a.vaddr) throw Errno{EOPNOTSUPP};  // memory of the client's own
  if (shared_.faults.due_before_run("memory")) throw Errno{ENOMEM};
  a.handle = objects_.create(a.type, a.bytes);
}

// A command's memory, which holds all words that its header counts.
std::shared_ptr<Object> Driver::packet(uint32_t handle) const {
  auto o = objects_.at(handle);
  if (o->type != kCmd || o->bytes < 8) throw Errno{EINVAL};
  if (4 * (uint64_t{1} + words(*reinterpret_cast<const uint32_t*>(o->data))) > o->bytes) throw Errno{EINVAL};
  return o;
}

void Driver::exec(Exec& a) {
  if (a.type != 0 || a.command_count != 1 || a.argument_count > kMostArguments) throw Errno{EINVAL};
  Command command;
  std::shared_ptr<HwContext> c;
  {
    const std::lock_guard lock(mutex_);
    if (shared_.faults.due_before_run("lost")) throw Errno{ENODEV};
    c = context(a.context);
    command.packet = packet(static_cast<uint32_t>(a.commands));
    const auto* p = reinterpret_cast<const uint32_t*>(command.packet->data);
    if (opcode(p[0]) == kChain) {
      const uint32_t n = p[kChainCount];
      if (n == 0 || n > 64 || words(p[0]) != kChainHandles - 1 + 2 * n) throw Errno{EINVAL};
      for (uint32_t i = 0; i < n; ++i) command.chain.push_back(packet(p[kChainHandles + 2 * i]));
    }
    for (uint32_t i = 0; i < a.argument_count; ++i)
      command.arguments.push_back(objects_.at(from_client<uint32_t>(a.arguments + 4 * i)));
  }
  a.sequence = c->submit(std::move(command));
}

void Driver::wait(const Wait& a) {
  std::shared_ptr<HwContext> c;
  {
    const std::lock_guard lock(mutex_);
    c = context(a.context);
  }
  const auto until = a.milliseconds ? Clock::now() + std::chrono::milliseconds(a.milliseconds) : Clock::time_point::max();
  if (!c->wait(a.sequence, until)) throw Errno{ETIME};
}

void Driver::wait(const TimelineWait& a) {
  if (a.count != 1) throw Errno{EINVAL};
  const auto syncobj = from_client<uint32_t>(a.handles);
  const auto point = from_client<uint64_t>(a.points);
  std::shared_ptr<HwContext> c;
  {
    const std::lock_guard lock(mutex_);
    c = context(syncobj - kFirstSyncobj);
  }
  if (!c->wait(point, Clock::time_point(std::chrono::nanoseconds(a.deadline)))) throw Errno{ETIME};
}

void Driver::get_info(const GetInfo& a) {
  if (a.bytes > kMostInfo) throw Errno{EINVAL};
  const Generation& g = shared_.generation;
  std::vector<std::byte> answer(a.bytes);
  auto put = [&](const auto& value, size_t at = 0) {
    if (at < answer.size()) std::memcpy(answer.data() + at, &value, std::min(sizeof value, answer.size() - at));
  };
  auto rows = [](unsigned n, unsigned first, unsigned channels, unsigned locks) {
    return RowKind{static_cast<uint16_t>(n),
                   static_cast<uint16_t>(first),
                   static_cast<uint16_t>(channels),
                   static_cast<uint16_t>(locks),
                   0,
                   {}};
  };
  // A column more than there are to use, as Phoenix has.
  if (a.parameter == kAieMetadata)
    put(AieMetadata{1U << 25, static_cast<uint16_t>(g.columns + 1), static_cast<uint16_t>(g.rows), 2, 0,
                    rows(g.rows - 2, 2, g.core_channels, g.core_locks), rows(1, 1, g.memtile_channels, g.memtile_locks),
                    rows(1, 0, g.shim_channels, g.shim_locks)});
  if (a.parameter == kAieVersion) put(uint32_t{2});
  if (a.parameter == kFirmware)
    for (uint32_t i = 0; i < 4; ++i) put(std::array<uint32_t, 4>{1, 5, 5, 391}[i], 4 * i);
  if (a.parameter == kClocks) {
    put(std::array<char, 16>{"MP-NPU Clock"}), put(uint32_t{847}, 16);
    put(std::array<char, 16>{"H Clock"}, 24), put(uint32_t{1600}, 40);
  }
  copy(answer.data(), a.buffer, answer.size(), ::process_vm_writev);
}

}  // namespace npurt_npu
