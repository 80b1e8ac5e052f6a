// One row of a layer computed again on the host, part by part, from what the device had before it: the answer to a device that
// goes wrong.
#pragma once

#include <string>

#include "launcher.hpp"

namespace npurt_npu {

// "" if row `row` is right to the rounding of each part; else the first part that is not: "attention". x as it went in.
std::string wrong_part(const LayerShape& s, const LayerView& view, const float* x, uint64_t row);

}  // namespace npurt_npu
