// How a stage gets its device, and what it says of it, for plan and report.
#pragma once

#include <npurt/plugin.hpp>

#include "workspace.hpp"

namespace npurt_npu {

// The device of option `npu`. Throws Refuse where there is none.
inline Device& device_of(npurt::Host host) {
  try {
    return open_device(host.option("npu", "auto"));
  } catch (const DeviceError& e) {
    throw npurt::Refuse(e.what());
  }
}

// In a handler, while a stage is opened: what the device failed at, or no launch can do, is refused.
[[noreturn]] inline void refuse() {
  try {
    throw;
  } catch (const DeviceError& e) {
    throw npurt::Refuse(e.what());
  } catch (const LimitError& e) {
    throw npurt::Refuse(std::string("no launch can do this shape: ") + e.what());
  }
}

inline void tell_work(npurt::Host host, const Work& w, const char* conversions) {
  npurt_device_work work{};
  work.launches = static_cast<uint32_t>(w.launches);
  work.read = w.read, work.written = w.written, work.converted = w.converted;
  work.conversions = conversions;
  host.device_work(work);
}

// While the stage is opened.
inline void tell_plan(npurt::Host host, const Work& w, const char* conversions) {
  tell_work(host, w, conversions);
  host.device_time(w.seconds, true);
}

// After a launch.
inline void tell_run(npurt::Host host, const Work& w, const Outcome& o) {
  tell_work(host, w, nullptr);
  host.device_time(o.seconds, o.modelled);
}

}  // namespace npurt_npu
