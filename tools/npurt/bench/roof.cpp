#include "roof.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <thread>
#include <vector>

namespace npurt::cli {

namespace {

#if defined(__x86_64__)
#define NPURT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NPURT_CLONES
#endif

using clock = std::chrono::steady_clock;

constexpr int kLanes = 128;  // enough independent sums to keep two 512-bit units busy
constexpr int kRounds = 200'000;
constexpr size_t kValues = size_t{1} << 24;  // of each array: 64 MiB
constexpr int kTries = 3;

NPURT_CLONES float multiply_add(float a, float b) {
  float sums[kLanes];
  for (int i = 0; i < kLanes; ++i) sums[i] = static_cast<float>(i);
  for (int round = 0; round < kRounds; ++round)
    for (int i = 0; i < kLanes; ++i) sums[i] = std::fma(sums[i], a, b);
  float all = 0;
  for (float s : sums) all += s;
  return all;
}

NPURT_CLONES void triad(float* a, const float* b, const float* c, size_t n) {
  for (size_t i = 0; i < n; ++i) a[i] = b[i] + 0.5F * c[i];
}

// The least seconds of a few tries of work(thread) on all threads at once.
double least(int threads, const std::function<void(int)>& work) {
  double best = INFINITY;
  for (int i = 0; i < kTries; ++i) {
    const auto begin = clock::now();
    {
      std::vector<std::jthread> all;
      for (int t = 0; t < threads; ++t) all.emplace_back(work, t);
    }
    best = std::min(best, std::chrono::duration<double>(clock::now() - begin).count());
  }
  return best;
}

}  // namespace

Roof measure_roof(int threads) {
  Roof roof;
  std::vector<float> kept(static_cast<size_t>(threads));
  const double product = least(threads, [&](int t) { kept[static_cast<size_t>(t)] = multiply_add(0.999F, 0.001F); });
  roof.gflops = 2.0 * kLanes * kRounds * threads / product / 1e9;

  std::vector<float> a(kValues, 0), b(kValues, 1), c(kValues, 2);
  const size_t each = kValues / static_cast<size_t>(threads);
  const double moved = least(threads, [&](int t) {
    const size_t from = static_cast<size_t>(t) * each;
    triad(&a[from], &b[from], &c[from], each);
  });
  roof.gigabytes_per_s = 3.0 * sizeof(float) * static_cast<double>(each) * threads / moved / 1e9;
  return roof;
}

}  // namespace npurt::cli
