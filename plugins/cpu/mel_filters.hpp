// Triangular mel filters with Slaney's scale and area normalisation (Auditory Toolbox, 1998; librosa's default).
#pragma once

#include <vector>

namespace npurt_cpu {

// [mels][bins]: the weight of power bin b (centre b·rate/2/(bins-1) Hz) in each filter, from 0 Hz to rate/2.
std::vector<std::vector<double>> mel_filters(int mels, int bins, double rate);

}  // namespace npurt_cpu
