#pragma once

#include <vector>

namespace npurt_npu {

// Slaney's mel filters (Auditory Toolbox, 1998), each of area 2 / width in Hz: mels rows of `bins` weights for bins from 0 to
// rate / 2.
std::vector<std::vector<float>> mel_filters(int mels, int bins, double rate);

}  // namespace npurt_npu
