// What this machine can do at most, measured here and now.
#pragma once

namespace npurt::cli {

struct Roof {
  double gflops = 0;           // f32 multiply-adds of values in registers, all threads (Williams et al. 2009)
  double gigabytes_per_s = 0;  // a = b + s c over arrays beyond the caches, all threads (McCalpin's STREAM triad)
};
Roof measure_roof(int threads);

}  // namespace npurt::cli
