// Agglomerative clustering after Ward (1963), by the nearest-neighbour chain (Murtagh 1983): n^2 time, n^2/2 memory.
#pragma once

#include <cstddef>
#include <vector>

namespace diarizer {

struct Merge {
  int a = 0, b = 0;    // clusters, by any one of their members
  float distance = 0;  // of their means, or the largest of any two clusters merged into them
};

// All n - 1 merges of n vectors of length 1 (x is [n, dim]), nearest first. The distance of two means is that of their cosine,
// and less where they rest on few vectors, by what may be chance; many do not make it more, for a voice drifts, and long talk
// is not two speakers for being certain. Equal inputs give equal merges on every run.
std::vector<Merge> cluster(const std::vector<float>& x, int n, int dim, int threads);

// The cluster of each of n items once every merge up to `distance` is done: numbered from 0 by first member.
std::vector<int> cut(const std::vector<Merge>& merges, int n, float distance);

// The members, among n items, of every cluster that one of the last merges joins with another.
std::vector<std::vector<int>> branches(const std::vector<Merge>& merges, int n, std::size_t last);

}  // namespace diarizer
