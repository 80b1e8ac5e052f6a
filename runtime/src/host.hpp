// What a stage can reach: the npurt_host of one node, and what all hosts of a plan share.
#pragma once

#include <npurt/abi.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <npurt/runtime.hpp>
#include <set>
#include <string>
#include <vector>

#include "catalog.hpp"
#include "child_process.hpp"
#include "clocks.hpp"
#include "tensor.hpp"
#include "trace.hpp"
#include "weights.hpp"

namespace npurt {

class InnerGraph;
struct PlanNode;

// Shared by the hosts of one plan.
struct Surroundings {
  std::shared_ptr<Plugins> plugins;
  PlanOptions options;
  std::filesystem::path folder;                              // of the outermost graph file
  std::vector<std::pair<std::string, std::string>> use;      // its --use
  std::vector<std::pair<std::string, std::string>> isolate;  // its --isolate
  int threads = 1;
  std::map<std::string, double> tunings;  // of the tuning cache, if the policy is to go by it
  Pool pool, shared;                      // of all packets, and of those that isolated stages see; outlive the stages
  std::mutex spare_mutex;                 // lanes that fall back share it
  std::unique_ptr<ChildProcess> spare;    // for the next isolated stage

  // Of the run under way; set before its lanes start.
  std::atomic<bool> stop{false};  // a node failed
  const std::atomic<bool>* cancel = nullptr;
  std::map<std::string, std::string> values;  // "$input" and the like, without the $
  std::function<void(const std::string& node, double done, double total)> progress;
  LaneClocks clocks;
  Trace::Body* trace = nullptr;
  std::function<void(const PlanNode&, const npurt_call&)> tap;
  std::mutex fallbacks_mutex;
  std::vector<std::string> fallbacks;  // sentences
  std::atomic<double> child_cpu_s{0};  // of isolated stages
  bool cancelled() const { return stop || (cancel && *cancel); }
};

// The outputs of the call under way, which resize changes.
struct Outputs {
  std::vector<npurt_tensor> views;
  std::vector<Memory> memory;
};

// Log lines go to stderr with the node's id before them.
void log_line(npurt_level level, const std::string& node, const std::string& text);

class NodeHost {
 public:
  // All outlive this object; outputs come from `pool`.
  NodeHost(const Node& node, Surroundings& around, Pool& pool);
  ~NodeHost();
  NodeHost(const NodeHost&) = delete;

  const npurt_host* face() const { return &face_; }
  // What `inner` gives for the option "": the nodes of a block.
  void lend(const Graph& own_nodes) { own_nodes_ = &own_nodes; }
  // What a call that returned `code` came to, and its sentence, which is then forgotten. A model that could not be read outranks
  // what the stage made of its absence.
  std::pair<npurt_code, std::string> verdict(int32_t code);
  // Gives every output memory for its planned shape, or none where a dim is unknown.
  void prepare(Outputs& out, const std::vector<npurt_spec>& planned);
  void finish() {
    out_ = nullptr;
    scratch_ = {};
  }
  const std::vector<std::unique_ptr<InnerGraph>>& inner() const { return inner_; }
  // What the stage said of its device: of each call, when it was opened, and of what was done since the last call.
  const DeviceWork& planned_work() const { return planned_work_; }
  DeviceWork take_work() { return std::exchange(work_, {}); }

 private:
  static NodeHost& self(void* p) { return *static_cast<NodeHost*>(p); }
  void add_work(const DeviceWork& work) { (out_ ? work_ : planned_work_).add(work); }
  const char* option(const std::string& name);
  void log(int32_t level, const char* text);
  int32_t fail(int32_t code, std::string sentence);
  int32_t weight(const std::string& name, uint32_t dtype, npurt_tensor& out);
  const char* meta(const std::string& name);
  void* scratch(uint64_t bytes);
  int32_t resize(uint32_t port, const npurt_spec& spec);
  int32_t plan_inner(const std::string& name, const npurt_spec* in, uint32_t inputs, const npurt_inner*& out);
  // Where the node's model is; throws Error(input) when it has none or it is not found.
  std::filesystem::path model_path();
  Weights& weights();

  npurt_host face_{};
  const Node& node_;
  const Graph* own_nodes_ = nullptr;
  Surroundings& around_;
  Pool& pool_;
  const std::vector<npurt_spec>* planned_ = nullptr;
  Outputs* out_ = nullptr;
  std::string sentence_, model_error_;
  DeviceWork planned_work_, work_;
  std::string threads_;
  std::set<std::string> texts_;  // option values already given out; they stay valid
  std::shared_ptr<Weights> weights_;
  std::vector<std::unique_ptr<InnerGraph>> inner_;
  Memory scratch_;  // until the call ends, so that the next node works in memory that is still in the cache
};

}  // namespace npurt
