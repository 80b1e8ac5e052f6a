#include "clocks.hpp"

#include <pthread.h>

namespace npurt {

double cpu_seconds(clockid_t clock) {
  timespec t{};
  if (clock_gettime(clock, &t) != 0) return 0;
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void LaneClocks::add_this_thread() {
  clockid_t clock;
  if (pthread_getcpuclockid(pthread_self(), &clock) != 0) return;
  std::lock_guard lock(mutex_);
  lanes_.push_back(clock);
}

void LaneClocks::clear() {
  std::lock_guard lock(mutex_);
  lanes_.clear();
}

double LaneClocks::workers() const {
  std::lock_guard lock(mutex_);
  double s = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (clockid_t c : lanes_) s -= cpu_seconds(c);
  return s;
}

}  // namespace npurt
