// What a Trace keeps while runs go on. Every call is safe from any thread; the calling thread is the track.
#pragma once

#include <npurt/abi.h>

#include <chrono>
#include <map>
#include <mutex>
#include <npurt/runtime.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace npurt {

struct PlanNode;

struct Trace::Body {
  using clock = std::chrono::steady_clock;

  // What follows belongs to a run of `input`, shown as a process of its own.
  void begin_run(const std::string& graph, const std::string& input);
  // Names the calling thread.
  void lane(const std::string& device);
  // One call of a stage that just ended, with what it came to.
  void call(const PlanNode& p, clock::time_point begin, clock::time_point ended, const npurt_call& c, int32_t code, double cpu_s);
  // Packets that wait at an input port now.
  void queue(const std::string& port, size_t packets);
  // A packet of `sequence` that node `maker` just cut, then every later moment when a node was done with it.
  void cut(const std::string& maker, int sequence, int64_t index);
  void passed(int sequence, int64_t index);
  void moment(const std::string& name, const char* category, const std::vector<std::pair<std::string, std::string>>& args = {});

  std::string document();

 private:
  struct Event {
    char phase;
    int run, thread;
    double at, lasted;  // microseconds
    std::string name;
    const char* category;
    std::string args;  // a JSON object
  };
  struct Passage {
    std::string maker;
    int run;
    int64_t index;
    double begin, end;
  };
  double since_start(clock::time_point t) const;
  void add(Event e);

  const clock::time_point start_ = clock::now();
  std::mutex mutex_;
  int run_ = 0;
  std::vector<Event> events_;
  std::map<std::tuple<int, int, int64_t>, Passage> passages_;  // run, sequence, index
};

}  // namespace npurt
