#include "pdi.hpp"

#include <algorithm>
#include <cstring>

#include "designs.hpp"
#include "instructions.hpp"

namespace npurt_npu {
namespace {

constexpr uint32_t kMagic = 0x5652504E, kVersion = 1;  // "NPRV"
constexpr uint32_t kCdoMagic = 0x004F4443, kCdoVersion = 0x200, kCdoHeader = 5;
constexpr uint32_t kCdoWrite = 0x103, kCdoBlock = 0x105, kLong = 255;
constexpr uint32_t kMostText = 64;

using Words = std::vector<uint32_t>;

void put_text(Words& out, const std::string& text) {
  out.push_back(static_cast<uint32_t>(text.size()));
  out.resize(out.size() + (text.size() + 3) / 4);
  std::memcpy(out.data() + out.size() - (text.size() + 3) / 4, text.data(), text.size());
}

uint32_t packed(unsigned column, unsigned row, unsigned channel) { return column | row << 8 | channel << 16; }

// The writes of an instruction stream as commands of a CDO.
Words cdo_of(const Words& stream) {
  Words out = {kCdoHeader - 1, kCdoMagic, kCdoVersion, 0, 0};
  for (size_t at = 4; at < stream.size();) {
    const uint32_t* w = stream.data() + at;
    if (w[0] == kWrite32) {
      out.insert(out.end(), {2 << 16 | kCdoWrite, w[2], w[4]});
      at += 6;
      continue;
    }
    const uint32_t n = w[3] / 4 - 4;  // a configuration holds nothing else
    if (n + 2 < kLong) out.push_back((n + 2) << 16 | kCdoBlock);
    else out.insert(out.end(), {kLong << 16 | kCdoBlock, n + 2});
    out.insert(out.end(), {0, w[2]});
    out.insert(out.end(), w + 4, w + 4 + n);
    at += 4 + n;
  }
  out[3] = static_cast<uint32_t>(out.size() - kCdoHeader);
  out[4] = ~(out[0] + out[1] + out[2] + out[3]);
  return out;
}

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : words_(bytes.size() / 4) {
    if (!words_.empty()) std::memcpy(words_.data(), bytes.data(), 4 * words_.size());
  }
  [[noreturn]] void wrong(const std::string& what) const { throw LimitError("word " + std::to_string(at_) + ": " + what); }
  size_t left() const { return words_.size() - at_; }
  uint32_t next() {
    if (left() == 0) wrong("the design ends inside of an entry");
    return words_[at_++];
  }
  const uint32_t* take(uint32_t n) {
    if (n > left()) wrong("wanted " + std::to_string(n) + " words more; there are " + std::to_string(left()));
    at_ += n;
    return words_.data() + at_ - n;
  }
  std::string text() {
    const uint32_t n = next();
    if (n == 0 || n > kMostText) wrong("a name of " + std::to_string(n) + " bytes; the most is " + std::to_string(kMostText));
    const uint32_t* w = take((n + 3) / 4);
    return {reinterpret_cast<const char*>(w), n};
  }
  // A number of entries that take at least `words` words each.
  uint32_t count(uint32_t words) {
    const uint32_t n = next();
    if (n > left() / words) wrong("wanted " + std::to_string(n) + " entries; there are " + std::to_string(left()) + " words");
    return n;
  }
  Port port() {
    const uint32_t w = next();
    return {w & 255, w >> 8 & 255, w >> 16};
  }

 private:
  Words words_;
  size_t at_ = 0;
};

Words configuration_of(const Generation& g, Reader& r) {
  Instructions out(g);
  const uint32_t* head = r.take(kCdoHeader);
  if (head[0] != kCdoHeader - 1 || head[1] != kCdoMagic || head[2] != kCdoVersion) r.wrong("no CDO begins here");
  if (head[4] != ~(head[0] + head[1] + head[2] + head[3])) r.wrong("the CDO's checksum is wrong");
  if (head[3] > r.left()) r.wrong("the CDO says that it has " + std::to_string(head[3]) + " words");
  for (const size_t end = r.left() - head[3]; r.left() > end;) {
    const uint32_t command = r.next();
    uint32_t n = command >> 16 & 255;
    if (n == kLong) n = r.next();
    if (n > r.left() || r.left() - n < end) r.wrong("a command of " + std::to_string(n) + " words goes past the CDO's end");
    const uint32_t* w = r.take(n);
    if ((command & 0xFFFF) == kCdoWrite && n == 2) out.write(w[0], w[1]);
    else if ((command & 0xFFFF) == kCdoBlock && n > 2 && w[0] == 0) out.write_block(w[1], {w + 2, w + n});
    else r.wrong("CDO command " + std::to_string(command & 0xFFFF) + " of " + std::to_string(n) + " words is none that we have");
  }
  return out.take();
}

}  // namespace

std::vector<std::byte> pdi_of(const Design& d) {
  Words out = {kMagic, kVersion};
  put_text(out, d.name);
  const Words cdo = cdo_of(d.configuration);
  out.insert(out.end(), cdo.begin(), cdo.end());
  out.push_back(static_cast<uint32_t>(d.routes.size()));
  for (const Route& r : d.routes) {
    out.push_back(packed(r.from.column, r.from.row, r.from.channel));
    out.push_back(static_cast<uint32_t>(r.to.size()));
    for (const Port& p : r.to) out.push_back(packed(p.column, p.row, p.channel));
  }
  out.push_back(static_cast<uint32_t>(d.cores.size()));
  for (const CoreAt& c : d.cores) {
    out.push_back(packed(c.column, c.row, 0));
    put_text(out, c.name);
  }
  const auto* bytes = reinterpret_cast<const std::byte*>(out.data());
  return {bytes, bytes + 4 * out.size()};
}

Design design_of(const Generation& g, std::span<const std::byte> pdi) {
  Reader r(pdi);
  if (r.left() < 2 || r.next() != kMagic || r.next() != kVersion) r.wrong("these bytes are no design for a virtual NPU");
  Design d;
  d.name = r.text();
  d.configuration = configuration_of(g, r);
  for (uint32_t n = r.count(2); n > 0; --n) {
    Route route{r.port(), {}};
    for (uint32_t ends = r.count(1); ends > 0; --ends) route.to.push_back(r.port());
    d.routes.push_back(std::move(route));
  }
  for (uint32_t n = r.count(2); n > 0; --n) {
    const Port p = r.port();
    const std::string name = r.text();
    d.cores.push_back({p.column, p.row, name, core_program(name)});
  }
  return d;
}

}  // namespace npurt_npu
