// The tuning cache: how long each candidate took for which shapes, on which device. One line for each, tab-separated; a line
// whose kernel, device or driver has changed is simply never asked for.
#pragma once

#include <map>
#include <npurt/runtime.hpp>
#include <string>

#include "wire.hpp"

namespace npurt {

using Tunings = std::map<std::string, double>;  // key -> seconds

// What a time depends on: op, candidate, library, device and driver, input shapes, options.
std::string tuning_key(const PlanNode& p, const Stage& stage, const Surroundings& around);

// The lines of a cache that make sense; what does not (torn, of another version) is left out.
Tunings parse_tunings(const std::string& text);
Tunings read_tunings(const std::filesystem::path& file);

// Candidates with a known time first, fastest first; the others behind them in their order.
void sort_by_time(PlanNode& p, const Surroundings& around);

}  // namespace npurt
