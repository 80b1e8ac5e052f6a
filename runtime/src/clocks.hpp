// CPU time of lanes, and of the workers that stages start beside them.
#pragma once

#include <ctime>
#include <mutex>
#include <vector>

namespace npurt {

double cpu_seconds(clockid_t clock);

class LaneClocks {
 public:
  // Counts the calling thread as a lane.
  void add_this_thread();
  void clear();
  // CPU seconds that threads which are no lane have spent so far.
  double workers() const;

 private:
  mutable std::mutex mutex_;
  std::vector<clockid_t> lanes_;
};

}  // namespace npurt
