// Runs a plan: one thread per device lane, bounded edges, packets joined by index.
#include <fnmatch.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <set>
#include <thread>

#include "plan.hpp"
#include "single.hpp"

namespace npurt {
namespace {

using clock = std::chrono::steady_clock;

// So often a waiting lane looks whether the user wants to stop.
constexpr auto kGlance = std::chrono::milliseconds(20);

struct Edge {
  std::deque<Packet> packets;
  bool ended = false;
};

// A node while it runs. All but `step`, `held` and `sent` belong to the scheduler's lock.
struct Running {
  Running(PlanNode& p, Surroundings& around)
      : node(p), step(p, around), device(p.placement.device), edges(p.in.size()), held(p.in.size()) {}

  PlanNode& node;  // a fault changes its stage and placement, on the lane that has it busy
  Step step;
  std::string device;        // whose lane calls it
  std::vector<Edge> edges;   // per input port
  std::vector<Packet> held;  // the inputs of the call under way, or asked for again
  std::vector<Packet> sent;  // the outputs of the call that has just ended
  int64_t calls = 0;         // input packets taken so far
  int64_t made = 0;          // output packets so far
  bool busy = false, again = false, ending = false, finished = false;
};

class Scheduler {
 public:
  Scheduler(PlannedGraph& graph, Surroundings& around) : graph_(graph), around_(around) {
    for (PlanNode& p : graph.nodes) {
      nodes_.emplace_back(p, around);
      nodes_.back().finished = p.absent;
      if (p.absent) continue;
      lanes_.insert(p.placement.device);
      for (size_t i = p.tried; i < p.candidates.size(); ++i)  // a fault may move it there
        if (p.candidates[i].stage) lanes_.insert(p.candidates[i].stage->device);
    }
  }

  // Returns when everything is done, or nothing more can be. Throws what stopped it.
  void run() {
    if (nodes_.empty()) return;
    // The busiest lane runs here: the worker threads that stages started while they were opened belong to this thread, and a
    // second team of them would be more threads than there are cores.
    std::map<std::string, int> nodes;
    for (const Running& r : nodes_)
      if (!r.node.absent) ++nodes[r.device];
    const auto here = std::max_element(nodes.begin(), nodes.end(), [](auto& a, auto& b) { return a.second < b.second; })->first;
    {
      std::vector<std::jthread> threads;
      for (const std::string& device : lanes_)
        if (device != here) threads.emplace_back([this, device] { lane(device); });
      lane(here);
    }
    if (error_) std::rethrow_exception(error_);
    if (around_.cancelled() && around_.trace) around_.trace->moment("cancelled", "cancel");
    if (around_.cancelled())
      for (Running& r : nodes_)  // so that what was written so far is a whole file
        if (r.node.sink() && r.node.stage.stage->stream() && r.calls > 0 && !r.finished) call(r, true);
  }

  double overhead() const { return overhead_; }
  std::deque<Running>& nodes() { return nodes_; }

 private:
  void lane(const std::string& device) {
    around_.clocks.add_this_thread();
    if (around_.trace) around_.trace->lane(device);
    const auto begin = clock::now();
    clock::duration waiting{};
    double inside = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
      // Until the last node is done, a fault may move one here.
      if (around_.cancelled() || std::all_of(nodes_.begin(), nodes_.end(), [](const Running& r) { return r.finished; })) break;
      Running* next = pick(device);
      if (!next) {
        const auto since = clock::now();
        changed_.wait_for(lock, kGlance);
        waiting += clock::now() - since;
        continue;
      }
      if (settle(*next)) {
        changed_.notify_all();
        continue;
      }
      next->busy = true;
      const double before = next->step.timing.wall_s;
      lock.unlock();
      try {
        const Stepped done = call(*next, next->ending);
        take_packets(*next, done);
        lock.lock();
        finish_call(*next, done);
      } catch (...) {
        if (!lock.owns_lock()) lock.lock();
        if (!error_) error_ = std::current_exception();
        if (around_.trace) around_.trace->moment("the run stops at " + next->node.text.id, "fault");
        around_.stop = true;
      }
      inside += next->step.timing.wall_s - before;
      next->device = next->node.placement.device;
      next->busy = false;
      changed_.notify_all();
    }
    changed_.notify_all();
    const double spent = std::chrono::duration<double>(clock::now() - begin - waiting).count() - inside;
    overhead_ = std::max(overhead_, spent);
  }

  // The ready node of this lane that is nearest to a sink, so that packets leave before new ones come.
  Running* pick(const std::string& device) {
    Running* best = nullptr;
    for (Running& r : nodes_)
      if (r.device == device && ready(r) && (!best || r.node.to_sink < best->node.to_sink)) best = &r;
    return best;
  }

  bool has_room(const Running& r) const {
    for (const auto& port : r.node.readers)
      for (const Reader& reader : port) {
        const Running& to = nodes_[static_cast<size_t>(reader.node)];
        if (!to.node.lifted &&
            to.edges[static_cast<size_t>(reader.port)].packets.size() >= static_cast<size_t>(graph_.graph.queue))
          return false;
      }
    return true;
  }

  bool ready(const Running& r) const {
    if (r.busy || r.finished || !has_room(r)) return false;
    if (r.again || r.ending || r.node.source()) return true;
    bool packet = true, over = false;
    for (size_t i = 0; i < r.edges.size(); ++i) {
      if (!r.node.in[i].connected()) continue;
      const Edge& e = r.edges[i];
      if (r.node.once(i)) {
        if (e.packets.empty() && !e.ended) return false;
      } else if (e.packets.empty()) {
        packet = false;
        over = over || e.ended;
      }
    }
    return packet || over;
  }

  // Decides, under the lock, what the next call of `r` is; true if there is nothing to call and r is finished.
  bool settle(Running& r) {
    if (r.again || r.ending || r.node.source()) return false;
    bool over = false;
    for (size_t i = 0; i < r.edges.size(); ++i)
      over = over || (r.node.in[i].connected() && !r.node.once(i) && r.edges[i].packets.empty());
    if (over) {
      if (r.node.stage.stage->stream()) {
        r.ending = true;
        return false;
      }
      finish(r);
      return true;
    }
    for (size_t i = 0; i < r.edges.size(); ++i) {
      if (!r.node.in[i].connected() || r.edges[i].packets.empty()) continue;
      r.held[i] = r.edges[i].packets.front();
      if (r.node.once(i)) continue;
      r.edges[i].packets.pop_front();
      note_queue(r, i);
    }
    return false;
  }

  Stepped call(Running& r, bool end) {
    for (size_t i = 0; i < r.held.size(); ++i) {
      const bool given = r.node.in[i].connected() && r.held[i].spec.rank > 0 && (!end || r.node.once(i));
      r.step.in[i] = given ? r.held[i].view() : blank_tensor();
    }
    return r.step.run(r.calls, end);
  }

  void take_packets(Running& r, const Stepped& done) {
    for (size_t port = 0; done.emit && port < r.node.readers.size(); ++port) r.sent.push_back(r.step.take(port, r.made));
  }

  void finish_call(Running& r, const Stepped& done) {
    if (done.cancelled) return;
    if (around_.trace) note_packets(r, !r.sent.empty());
    if (!r.sent.empty()) ++r.made;
    for (size_t port = 0; port < r.sent.size(); ++port)
      for (const Reader& reader : r.node.readers[port]) {
        Running& to = nodes_[static_cast<size_t>(reader.node)];
        to.edges[static_cast<size_t>(reader.port)].packets.push_back(r.sent[port]);
        note_queue(to, static_cast<size_t>(reader.port));
      }
    r.sent.clear();
    r.again = done.again;
    if (r.node.source()) ++r.calls;
    if (r.again) return;
    if (r.ending || r.node.source()) finish(r);
    else {
      ++r.calls;
      for (size_t i = 0; i < r.held.size(); ++i)
        if (!r.node.once(i)) r.held[i] = Packet{};
    }
  }

  void finish(Running& r) {
    r.finished = true;
    std::fill(r.held.begin(), r.held.end(), Packet{});
    for (const auto& port : r.node.readers)
      for (const Reader& reader : port)
        nodes_[static_cast<size_t>(reader.node)].edges[static_cast<size_t>(reader.port)].ended = true;
  }

  void note_queue(const Running& r, size_t port) {
    if (around_.trace) around_.trace->queue(r.node.text.id + "." + r.node.op.in[port].name, r.edges[port].packets.size());
  }
  void note_packets(const Running& r, bool sends) {
    for (size_t i = 0; i < r.node.in.size(); ++i)
      if (const Wire& w = r.node.in[i]; w.connected() && !r.node.once(i))
        around_.trace->passed(graph_.nodes[static_cast<size_t>(w.node)].sequence[static_cast<size_t>(w.port)], r.calls);
    for (size_t port = 0; sends && port < r.node.op.out.size(); ++port)
      if (r.node.op.out[port].split) return around_.trace->cut(r.node.text.id, r.node.sequence[port], r.made);
  }

  PlannedGraph& graph_;
  Surroundings& around_;
  std::deque<Running> nodes_;
  std::set<std::string> lanes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::exception_ptr error_;
  double overhead_ = 0;
};

}  // namespace

Report run_plan(Plan& plan, const RunOptions& options) {
  Surroundings& around = plan.body().around;
  // What belongs to the caller is not reached after the run, however that ends.
  struct Parting {
    Surroundings& around;
    ~Parting() {
      around.progress = nullptr;
      around.trace = nullptr;
      around.tap = nullptr;
    }
  } parting{around};
  std::mutex progress_mutex;
  double audio = 0;
  around.stop = false;
  around.cancel = options.cancel;
  around.values = options.values;
  around.values["input"] = options.input;
  around.fallbacks.clear();
  around.trace = options.trace ? &options.trace->body() : nullptr;
  if (around.trace) around.trace->begin_run(plan.body().graph.graph.name, options.input);
  around.clocks.clear();
  around.child_cpu_s = 0;
  around.progress = [&](const std::string& node, double done, double total) {
    std::lock_guard lock(progress_mutex);
    audio = std::max(audio, done);
    if (options.progress) options.progress(node, done, total);
  };
  std::mutex tap_mutex;
  if (options.tap)
    around.tap = [&](const PlanNode& p, const npurt_call& c) {
      if (fnmatch(options.tap_nodes.c_str(), p.text.id.c_str(), 0) != 0) return;
      std::lock_guard lock(tap_mutex);
      options.tap(tapped(p, c));
    };
  each_node(plan.body().graph, [](const PlanNode& p) {
    if (p.host)
      for (const auto& inner : p.host->inner())
        for (Step& s : inner->steps()) s.timing = {s.timing.node, 0, 0, 0, {}};
  });

  const auto begin = clock::now();
  const double cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  Scheduler scheduler(plan.body().graph, around);
  scheduler.run();

  Report report;
  report.wall_s = std::chrono::duration<double>(clock::now() - begin).count();
  report.cpu_s = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu + around.child_cpu_s;
  report.plan_s = plan.body().plan_s;
  report.overhead_s = scheduler.overhead();
  report.audio_s = audio;
  report.cancelled = options.cancel && *options.cancel;
  report.fallbacks = around.fallbacks;
  each_node(plan.body().graph, [&](const PlanNode& p) { report.placement.push_back(p.placement); });
  for (Running& r : scheduler.nodes()) {
    if (r.node.absent) continue;
    report.nodes.push_back(r.step.timing);
    for (const auto& inner : r.node.host->inner())
      for (const Step& s : inner->steps()) report.nodes.push_back(s.timing);
  }
  return report;
}

}  // namespace npurt
