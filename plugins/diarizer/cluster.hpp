// Agglomerative clustering with average linkage, by the nearest-neighbour chain (Murtagh 1983): n^2 time, n^2/2 memory.
#pragma once

#include <vector>

namespace diarizer {

struct Merge {
  int a = 0, b = 0;    // clusters, by any one of their members
  float distance = 0;  // mean cosine distance between their members
};

// All n - 1 merges of n vectors of length 1 (x is [n, dim]), nearest first. Equal inputs give equal merges on every run.
std::vector<Merge> cluster(const std::vector<float>& x, int n, int dim, int threads);

// The cluster of each of n items once every merge up to `distance` is done: numbered from 0 by first member.
std::vector<int> cut(const std::vector<Merge>& merges, int n, float distance);

}  // namespace diarizer
