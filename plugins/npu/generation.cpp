#include "device.hpp"

namespace npurt_npu {

const Generation& generation(const std::string& name) {
  std::string known;
  for (const Generation& g : kGenerations) {
    if (name == g.name) return g;
    known += (known.empty() ? "" : ", ") + std::string(g.name);
  }
  throw DeviceError("there is no NPU generation '" + name + "'; there are " + known);
}

}  // namespace npurt_npu
