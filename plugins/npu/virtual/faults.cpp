#include "faults.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "../device.hpp"

namespace npurt_npu {
namespace {

constexpr const char* kKnown[] = {"hang", "error", "abort", "lost", "slow", "zeros", "nan", "wrong", "memory", "contexts"};

}  // namespace

Faults::Faults(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, end - at);
    at = end + 1;
    const size_t mark = one.find('@');
    Fault f{one.substr(0, mark), 1};
    bool good = std::find(std::begin(kKnown), std::end(kKnown), f.what) != std::end(kKnown);
    if (mark != std::string::npos) {
      const char* last = one.data() + one.size();
      const auto [stop, error] = std::from_chars(one.data() + mark + 1, last, f.from);
      good = good && error == std::errc() && stop == last && f.from > 0;
    }
    if (!good)
      throw DeviceError("'" + one +
                        "' is no fault of the virtual NPU; there are hang, error, abort, lost, slow, zeros, nan, wrong, "
                        "memory and contexts, each with @RUN or without");
    all_.push_back(f);
  }
}

bool Faults::due_at(const char* what, unsigned run) const {
  for (const Fault& f : all_)
    if (f.what == what && run >= f.from) return true;
  return false;
}

void Faults::spoil(std::byte* data, size_t bytes) const {
  if (due("zeros")) std::memset(data, 0, bytes);
  if (due("nan")) std::memset(data, 0xFF, bytes);
  if (due("wrong"))
    for (size_t i = 0; i + 4 <= bytes; i += size_t{4} * 97) data[i + 2] ^= std::byte{0x40};
}

}  // namespace npurt_npu
