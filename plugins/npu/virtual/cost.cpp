#include "cost.hpp"

#include <algorithm>

namespace npurt_npu {

double launch_seconds(const Generation& g, const Usage& u) {
  const double cores = static_cast<double>(u.core_cycles) / (g.clock_ghz * 1e9);
  const double channel = static_cast<double>(u.busiest_channel) / (g.channel_gb_s * 1e9);
  const double memory = static_cast<double>(std::max(u.read, u.written)) / (g.memory_gb_s * 1e9);
  return std::max({cores, channel, memory});
}

double dispatch_seconds(const Generation& g, size_t launches) {
  if (launches == 1) return g.dispatch_us * 1e-6;
  return (g.list_us + g.listed_us * static_cast<double>(launches)) * 1e-6;
}

}  // namespace npurt_npu
