// Where a result comes from: what was asked, what the plan made of it, and of which libraries. `npurt verify` plans again from
// it.
#pragma once

#include <nlohmann/json.hpp>

#include "selection.hpp"

namespace npurt::cli {

nlohmann::ordered_json origin(const Selection& asked, const Plan& plan);
// Throws Error(input) naming `file` if that is no origin.
Selection asked(const nlohmann::ordered_json& origin, const std::string& file);

}  // namespace npurt::cli
