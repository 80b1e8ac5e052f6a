// Where two speak at once.
#pragma once

#include "speakers.hpp"

namespace diarizer {

// Of every window, the speaker who is heard besides its own, or -1. A logistic regression decides, on how alike the window is to
// both, how near a change of speaker and the ends of the region are, and how loud it is.
std::vector<int> second_speakers(const std::vector<Span>& regions, const Windows& windows, const std::vector<float>& speakers,
                                 const std::vector<int>& labels);

// The turns, and among them, marked as overlap, those of second speakers: 0.4 s for each window, inside its region, less the
// speaker's own turns.
std::vector<Turn> with_overlap(std::vector<Turn> turns, const std::vector<Span>& regions, const Windows& windows,
                               const std::vector<int>& second);

}  // namespace diarizer
