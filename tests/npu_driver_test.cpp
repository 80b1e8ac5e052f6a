// The virtual driver, asked through its ioctls as XRT asks: a product through a packet, chains, faults, and bad input.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "../plugins/npu/device.hpp"
#include "../plugins/npu/driver/driver.hpp"
#include "../plugins/npu/gemm.hpp"
#include "../plugins/npu/pdi.hpp"
#include "catch.hpp"

using namespace npurt_npu;
using namespace npurt_npu::uapi;

namespace {

const Generation& npu1() { return generation("npu1"); }

// What XRT's shim does, for one context that multiplies.
class Client {
 public:
  explicit Client(const std::string& faults = "", bool syncobjs = false)
      : file_(::memfd_create("test", MFD_CLOEXEC)), driver_(file_, npu1(), faults, syncobjs) {
    heap_ = create(kHeap, uint64_t{64} << 20);
  }
  ~Client() {
    for (const auto& [p, n] : mapped_) ::munmap(p, n);
    ::close(file_);
  }
  template <typename T>
  int ask(unsigned call, T& argument) {
    return driver_.control(kFirst + call, &argument);
  }
  uint32_t create(uint32_t type, uint64_t bytes, int wanted = 0) {
    CreateBo a{0, 0, bytes, type, 0};
    REQUIRE(ask(kCreateBo, a) == wanted);
    return a.handle;
  }
  GetBoInfo info(uint32_t bo) {
    GetBoInfo a{};
    a.handle = bo;
    REQUIRE(ask(kGetBoInfo, a) == 0);
    return a;
  }
  // The client's own view of an object.
  uint32_t* map(uint32_t bo, uint64_t bytes) {
    const GetBoInfo i = info(bo);
    if (i.map_offset != Objects::kNone) {
      void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_, static_cast<off_t>(i.map_offset));
      REQUIRE(p != MAP_FAILED);
      mapped_.emplace_back(p, bytes);
      return static_cast<uint32_t*>(p);
    }
    const GetBoInfo h = info(heap_);
    auto* p = static_cast<char*>(
        ::mmap(nullptr, 64 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file_, static_cast<off_t>(h.map_offset)));
    mapped_.emplace_back(p, 64 << 20);
    return reinterpret_cast<uint32_t*>(p + (i.address - h.address));
  }
  uint32_t dev(const void* data, uint64_t bytes) {
    const uint32_t bo = create(kDev, bytes);
    std::memcpy(map(bo, bytes), data, bytes);
    return bo;
  }
  uint32_t context(int wanted = 0) {
    CreateContext a{};
    a.tiles = 16;
    REQUIRE(ask(kCreateContext, a) == wanted);
    syncobj_ = a.syncobj;
    return a.handle;
  }
  int configure(uint32_t context, uint32_t pdi) {
    struct {
      uint16_t count = 1, pad[3] = {};
      Cu cu{};
    } cus;
    cus.cu.bo = pdi;
    ConfigContext a{context, kConfigCus, reinterpret_cast<uint64_t>(&cus), sizeof cus, 0};
    return ask(kConfigContext, a);
  }
  uint32_t syncobj() const { return syncobj_; }
  Driver& driver() { return driver_; }

 private:
  int file_;
  Driver driver_;
  uint32_t heap_ = 0, syncobj_ = 0;
  std::vector<std::pair<void*, size_t>> mapped_;
};

// A context with the int8 design, and packets that each multiply ones by twos.
struct Product {
  explicit Product(Client& c) : client(c), shape(padded(npu1(), gemm_i8(), {256, 64, 256})) {
    const auto pdi = pdi_of(gemm_design(npu1(), gemm_i8()));
    context = c.context();
    REQUIRE(c.configure(context, c.dev(pdi.data(), pdi.size())) == 0);
    const auto stream = gemm_instructions(npu1(), gemm_i8(), shape);
    words = static_cast<uint32_t>(stream.size());
    code = c.dev(stream.data(), 4 * words);
    a = c.create(kShare, shape.m * shape.k), b = c.create(kShare, shape.k * shape.n),
    out = c.create(kShare, 4 * shape.m * shape.n);
    std::memset(c.map(a, shape.m * shape.k), 1, shape.m * shape.k);
    std::memset(c.map(b, shape.k * shape.n), 2, shape.k * shape.n);
    result = reinterpret_cast<int32_t*>(c.map(out, 4 * shape.m * shape.n));
  }
  uint32_t packet(uint32_t instructions = 0) {
    const uint32_t bo = client.create(kCmd, 4096);
    uint32_t* p = client.map(bo, 4096);
    p[0] = kNew | 12U << 12 | kStart << 23, p[1] = 1;
    auto put = [&](int at, uint64_t v) { std::memcpy(p + at, &v, 8); };
    put(2, 3), put(4, client.info(code).address), p[6] = instructions ? instructions : words;
    put(7, client.info(a).address), put(9, client.info(b).address), put(11, client.info(out).address);
    packets[bo] = p;
    return bo;
  }
  uint32_t chain(const std::vector<uint32_t>& members) {
    const uint32_t bo = client.create(kCmd, 4096);
    uint32_t* p = client.map(bo, 4096);
    p[0] = kNew | static_cast<uint32_t>(6 + 2 * members.size()) << 12 | kChain << 23,
    p[1] = static_cast<uint32_t>(members.size());
    for (size_t i = 0; i < members.size(); ++i) p[kChainHandles + 2 * i] = members[i];
    packets[bo] = p;
    return bo;
  }
  // The state that it ends in; 0 if it does not in time.
  uint32_t run(uint32_t bo, uint32_t milliseconds = 0) {
    const uint32_t all[] = {a, b, out, code};
    Exec e{};
    e.context = context, e.commands = bo, e.arguments = reinterpret_cast<uint64_t>(all), e.command_count = 1,
    e.argument_count = 4;
    if (const int error = client.ask(kExec, e)) return 1000 + static_cast<uint32_t>(error);
    Wait w{context, milliseconds, e.sequence};
    const int error = client.ask(kWait, w);
    if (error == ETIME) return 0;
    REQUIRE(error == 0);
    return packets[bo][0] & 15;
  }

  Client& client;
  GemmShape shape;
  uint32_t context, code, a, b, out, words;
  int32_t* result;
  std::map<uint32_t, uint32_t*> packets;
};

}  // namespace

TEST_CASE("a packet multiplies, alone and in a chain") {
  Client client;
  Product p(client);
  CHECK(p.run(p.packet()) == kCompleted);
  CHECK(p.result[0] == 128);
  CHECK(p.result[256 * 256 - 1] == 128);
  std::memset(p.result, 0, 4);
  const std::vector<uint32_t> members = {p.packet(), p.packet(), p.packet()};
  CHECK(p.run(p.chain(members)) == kCompleted);
  CHECK(p.result[0] == 128);
  for (uint32_t m : members) CHECK((p.packets[m][0] & 15) == kCompleted);
}

TEST_CASE("a chain stops at the member that fails, and says which") {
  Client client;
  Product p(client);
  const std::vector<uint32_t> members = {p.packet(), p.packet(5), p.packet()};  // instructions that end early
  const uint32_t chain = p.chain(members);
  CHECK(p.run(chain) == kError);
  CHECK(p.packets[chain][kChainError] == 1);
  CHECK((p.packets[members[0]][0] & 15) == kCompleted);
  CHECK((p.packets[members[2]][0] & 15) == kNew);
  CHECK(p.run(p.packet()) == kCompleted);  // the next command finds a fresh NPU
}

TEST_CASE("faults end commands as the hardware's do") {
  for (const auto& [fault, state] : {std::pair{"error", uint32_t{kError}}, {"abort", kAbort}, {"lost", 1000 + ENODEV}}) {
    Client client(fault);
    Product p(client);
    CHECK(p.run(p.packet()) == state);
  }
  Client client("wrong");
  Product p(client);
  CHECK(p.run(p.packet()) == kCompleted);
  CHECK(p.result[0] != 128);
  CHECK(p.result[1] == 128);
}

TEST_CASE("a command that hangs is given up, or aborted with its context") {
  Client client("hang");
  Product p(client);
  const uint32_t packet = p.packet();
  CHECK(p.run(packet, 10) == 0);
  DestroyContext d{p.context, 0};
  CHECK(client.ask(kDestroyContext, d) == 0);
  CHECK((p.packets[packet][0] & 15) == kAbort);
}

TEST_CASE("a syncobj counts commands") {
  Client client("", true);
  Product p(client);
  CHECK(p.run(p.packet()) == kCompleted);
  const uint32_t handle = client.syncobj();
  REQUIRE(handle != 0);
  const uint64_t first = 1, second = 2;
  TimelineWait w{reinterpret_cast<uint64_t>(&handle), reinterpret_cast<uint64_t>(&first), 0, 1, 0, 0, 0};
  CHECK(client.driver().control(kTimelineWait, &w) == 0);
  w.points = reinterpret_cast<uint64_t>(&second);
  CHECK(client.driver().control(kTimelineWait, &w) == EINVAL);  // nobody sent a second one
}

TEST_CASE("contexts are limited, also across clients") {
  Client one, other;
  for (unsigned i = 0; i < npu1().contexts / 2; ++i) one.context(), other.context();
  one.context(EINVAL);
  CreateContext none{};
  CHECK(one.ask(kCreateContext, none) == EINVAL);
}

TEST_CASE("memory: a full heap asks for another, limits are kept") {
  Client client;
  client.create(kDev, 60 << 20);
  client.create(kDev, 8 << 20, EAGAIN);
  client.create(kHeap, 64 << 20);
  client.create(kDev, 8 << 20);
  client.create(kShare, 0, EINVAL);
  client.create(kShare, ~uint64_t{0}, EINVAL);
  client.create(kHeap, 4096, EINVAL);
  client.create(9, 4096, EINVAL);
}

TEST_CASE("a device without memory says so") {
  const int file = ::memfd_create("test", MFD_CLOEXEC);
  Driver poor(file, npu1(), "memory", false);
  CreateBo a{0, 0, 4096, kShare, 0};
  CHECK(poor.control(kFirst + kCreateBo, &a) == ENOMEM);
  ::close(file);
}

TEST_CASE("bad input is refused") {
  Client client;
  Product p(client);
  auto exec = [&](auto change) {
    uint32_t all[] = {p.a, p.b, p.out, p.code};
    Exec e{};
    e.context = p.context, e.commands = p.packet(), e.arguments = reinterpret_cast<uint64_t>(all);
    e.command_count = 1, e.argument_count = 4;
    change(e, all);
    return client.ask(kExec, e);
  };
  CHECK(exec([](Exec& e, uint32_t*) { e.context = 99; }) == EINVAL);
  CHECK(exec([](Exec& e, uint32_t*) { e.commands = 99; }) == ENOENT);
  CHECK(exec([&](Exec& e, uint32_t*) { e.commands = p.a; }) == EINVAL);
  CHECK(exec([](Exec& e, uint32_t*) { e.command_count = 2; }) == EINVAL);
  CHECK(exec([](Exec& e, uint32_t*) { e.arguments = 16; }) == EFAULT);
  CHECK(exec([](Exec& e, uint32_t*) { e.argument_count = 1 << 20; }) == EINVAL);
  CHECK(exec([](Exec&, uint32_t* all) { all[0] = 99; }) == ENOENT);
  const uint32_t chain = p.chain({p.packet()});
  p.packets[chain][kChainCount] = 50;
  CHECK(exec([&](Exec& e, uint32_t*) { e.commands = chain; }) == EINVAL);
  const uint32_t packet = p.packet();
  p.packets[packet][7] += 4096U << 8;  // a data buffer that is none
  CHECK(p.run(packet) == kError);
  CHECK(client.configure(p.context, p.code) == EINVAL);  // configured before
  const uint32_t other = client.context();
  CHECK(client.configure(other, p.code) == EINVAL);  // no design
  GetInfo info{kAieMetadata, 64, 16};
  CHECK(client.ask(kGetInfo, info) == EFAULT);
  CHECK(client.driver().control(kFirst + 40, &info) == EINVAL);
  CHECK(client.driver().control(kFirst + kExec, nullptr) == EFAULT);
}
