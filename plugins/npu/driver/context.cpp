#include "context.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "../pdi.hpp"

namespace npurt_npu {
namespace {

constexpr size_t kMostInFlight = 4;
constexpr std::chrono::seconds kJobLimit{2};
constexpr uint32_t kTransaction = 3, kHung = 0;  // kHung: no state yet, and none will come

void say(const std::string& text) { std::fprintf(stderr, "vnpu: %s\n", text.c_str()); }

uint32_t* header_of(const Object& o) { return reinterpret_cast<uint32_t*>(o.data); }

void set_state(const Object& packet, uint32_t state) {
  uint32_t* header = header_of(packet);
  __atomic_store_n(header, (*header & ~15U) | state, __ATOMIC_RELEASE);
}

// What the driver leaves in the packet of a job that it gave up (ert.h, version 1): version, generation, operation, program
// counter, and what the firmware saw.
void set_health(const Object& packet) {
  const uint32_t record[8] = {1, 0, 0, 0, 0, 0, 0, 0};
  std::memcpy(packet.data + 4, record, sizeof record);
}

uint64_t number(const uint32_t* words) {
  uint64_t n;
  std::memcpy(&n, words, sizeof n);
  return n;
}

}  // namespace

HwContext::HwContext(Shared& shared) : shared_(shared), thread_([this] { work(); }) {}

HwContext::~HwContext() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
  for (const Command& c : queue_) set_state(*c.packet, uapi::kAbort);
}

void HwContext::configure(std::span<const std::byte> pdi) {
  const std::lock_guard lock(mutex_);
  if (machine_) throw Errno{EINVAL};
  try {
    design_ = design_of(shared_.generation, pdi);
    machine_ = std::make_unique<Machine>(shared_.generation, design_);
  } catch (const std::exception& e) {
    say(std::string("no design: ") + e.what());
    throw Errno{EINVAL};
  }
}

uint64_t HwContext::submit(Command command) {
  std::unique_lock lock(mutex_);
  if (!machine_) throw Errno{EINVAL};
  changed_.wait(lock, [&] { return queue_.size() < kMostInFlight || closing_; });
  command.sequence = ++submitted_;
  queue_.push_back(std::move(command));
  changed_.notify_all();
  return submitted_;
}

bool HwContext::wait(uint64_t sequence, std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  if (sequence > submitted_) throw Errno{EINVAL};
  return changed_.wait_until(lock, until, [&] { return done_ >= sequence; });
}

void HwContext::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return closing_ || !queue_.empty(); });
    if (closing_) return;
    Command command = queue_.front();
    lock.unlock();
    const bool ended = finish(command);
    lock.lock();
    if (!ended) return;
    queue_.pop_front();
    done_ = command.sequence;
    changed_.notify_all();
  }
}

bool HwContext::finish(Command& command) {
  const bool chain = !command.chain.empty();
  uint32_t state = uapi::kCompleted;
  size_t i = 0;
  if (!chain) {
    state = run(*command.packet, command);
  } else {
    for (; i < command.chain.size() && state == uapi::kCompleted; ++i) {
      state = run(*command.chain[i], command);
      if (state != kHung) set_state(*command.chain[i], state);
    }
    --i;
  }
  Object& last = chain ? *command.chain[i] : *command.packet;
  if (state == kHung) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kJobLimit, [&] { return closing_; })) return false;
    state = uapi::kTimeout;
    set_health(last);
    set_state(last, state);
  }
  if (chain) {
    header_of(*command.packet)[uapi::kChainSubmit] = static_cast<uint32_t>(i);
    if (state != uapi::kCompleted) header_of(*command.packet)[uapi::kChainError] = static_cast<uint32_t>(i);
  }
  set_state(*command.packet, state);
  return true;
}

// The data buffers that a packet names; each must lie in an argument of its command.
std::vector<Argument> HwContext::data_of(const uint32_t* words, uint32_t count, const Command& command) const {
  std::vector<Argument> all;
  for (uint32_t i = 0; i + 1 < count; i += 2) {
    const uint64_t address = number(words + i);
    for (const auto& o : command.arguments)
      if (o->type == uapi::kShare && address >= o->address && address - o->address < o->bytes) {
        const uint64_t at = address - o->address;
        all.push_back({address, o->data + at, o->bytes - at});
        break;
      }
    if (all.size() != i / 2 + 1) throw LimitError("data buffer " + std::to_string(i / 2) + " is no argument of the command");
  }
  return all;
}

// Runs one packet: the state that it ends in.
uint32_t HwContext::run(Object& packet, const Command& command) {
  const std::lock_guard lock(shared_.array);
  Faults& faults = shared_.faults;
  faults.next_run();
  if (faults.due("hang")) return kHung;
  if (faults.due("error")) return uapi::kError;
  if (faults.due("abort")) return uapi::kAbort;
  if (faults.due("slow")) std::this_thread::sleep_for(kJobLimit);
  try {
    const uint32_t* p = header_of(packet);
    const uint32_t header = *p, count = uapi::words(header), masks = 1 + uapi::extra_masks(header);
    if (uapi::opcode(header) != uapi::kStart) throw LimitError("a packet of opcode " + std::to_string(uapi::opcode(header)));
    // Behind the masks: opcode, address and number of the instructions, then data buffers.
    if (4 * (uint64_t{count} + 1) > packet.bytes || count < masks + 5)
      throw LimitError("a packet of " + std::to_string(count) + " words");
    const uint32_t* payload = p + 1 + masks;
    if (number(payload) != kTransaction) throw LimitError("a kernel of opcode " + std::to_string(number(payload)));
    const uint64_t where = number(payload + 2), bytes = uint64_t{4} * payload[4];
    const std::byte* code = nullptr;
    for (const auto& o : command.arguments)
      if (o->type == uapi::kDev && where >= o->address && where - o->address <= o->bytes &&
          bytes <= o->bytes - (where - o->address))
        code = o->data + (where - o->address);
    if (!code) throw LimitError("the instructions are in no argument of the command");
    std::vector<uint32_t> stream(payload[4]);
    std::memcpy(stream.data(), code, bytes);
    const std::vector<Argument> data = data_of(payload + 5, count - masks - 5, command);
    machine_->execute(stream, data);
    if (!data.empty()) faults.spoil(data.back().data, data.back().bytes);
    return uapi::kCompleted;
  } catch (const Hang& e) {
    say(std::string("the run never ends: ") + e.what());
    machine_ = std::make_unique<Machine>(shared_.generation, design_);
    return kHung;
  } catch (const std::exception& e) {
    say(std::string("refused: ") + e.what());
    machine_ = std::make_unique<Machine>(shared_.generation, design_);
    return uapi::kError;
  }
}

}  // namespace npurt_npu
