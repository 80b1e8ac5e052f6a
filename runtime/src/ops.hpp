#pragma once

#include <npurt/runtime.hpp>

namespace npurt {

// "name: inputs -> outputs" of each op that npurt itself defines.
const std::vector<std::string>& builtin_ops();

}  // namespace npurt
