// Embedding npurt: text becomes a Graph, a Graph and a Catalog become a Plan, a Plan runs. Each is a value; nothing later edits
// an earlier one. The CLI uses only this header.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace npurt {

// Exit codes of the CLI, and what every Error carries.
enum class Exit { ok = 0, run_failed = 1, usage = 2, input = 3, plugin = 4, device = 5, require = 6 };

// A place in a text file; line and column are 1-based, 0 when unknown.
struct Place {
  std::string file;
  int line = 0, column = 0;
  std::string text() const;  // "file:line:column", leaving out what is unknown
};

// One thing that is wrong, as it is printed (docs/errors.md shows the form).
struct Diagnostic {
  Place place;
  std::string message;
  std::vector<std::pair<std::string, std::string>> details;  // label ("wanted", "tried cpu:f32", "hint") and its text
  std::string text() const;
};

// ("hint", "did you mean 'x'?") if one of `names` is close to `name`; else nothing.
std::vector<std::pair<std::string, std::string>> did_you_mean(const std::string& name, const std::vector<std::string>& names);

struct Error : std::runtime_error {
  Error(Exit code, std::string sentence);
  Error(Exit code, std::vector<Diagnostic> all);
  Exit code;
  std::vector<Diagnostic> diagnostics;
};

// ---- Graph: what the user wrote, with blocks unrolled and $names replaced -------------------------------------------------

struct Setting {
  std::string value;
  Place place;
};

// Where an input port gets its packets: the output `port` of node `node`.
struct Source {
  std::string port;    // the input port; "" means the op's only (or first) one
  std::string node;    // producer
  std::string output;  // its output port; "" means its only one
  Place place;
};

// A candidate as written: plugin, or plugin:kernel.
struct Use {
  std::string name;
  Place place;
};

// A port that the graph offers when it is used as a block or inner graph.
struct GraphPort {
  std::string name;
  std::string signature;                                // inputs: "x f32[T,D]"
  std::vector<std::pair<std::string, std::string>> to;  // inputs: (node, port) pairs that read it
  std::string node, output;                             // outputs: who makes it
  Place place;
};

struct Node {
  std::string id;  // "encoder.blocks.0.fc1"
  std::string op;
  std::vector<Source> in;
  std::vector<Use> use;                 // in order of preference; empty: any plugin that has the op
  std::map<std::string, Setting> with;  // options, as text; "$input" stays, and is replaced per run
  Place place;
  std::string use_cause;           // "graph", "block", "--use PATTERN=CAND": who chose `use`
  double isolate_s = 0;            // above 0: in a child process, whose calls may be silent for so many seconds
  std::vector<GraphPort> outputs;  // of a block as one node: who makes each where nobody takes it whole
};

// A value that `--set` may change.
struct Parameter {
  std::string name, value, help;
  bool set_by_user = false;
  Place place;
};

struct Graph {
  std::string name;
  std::string file;
  std::vector<Parameter> parameters;
  std::vector<Node> nodes;   // in the order of the file, blocks unrolled in place
  std::vector<Node> blocks;  // each as one node, for who takes it whole; its own nodes begin with its id and a dot
  std::vector<GraphPort> inputs, outputs;
  int queue = 2;                                             // packets that an edge holds
  std::string policy = "declared";                           // or "measured": candidates by the tuning cache
  std::vector<std::pair<std::string, std::string>> use;      // GraphOptions::use, for graphs inside its stages
  std::vector<std::pair<std::string, std::string>> isolate;  // likewise
};

struct GraphOptions {
  std::vector<std::pair<std::string, std::string>> set;      // --set NAME=VALUE
  std::map<std::string, std::string> offer;                  // as set, but names that the graph has no parameter for are ignored
  std::vector<std::pair<std::string, std::string>> use;      // --use PATTERN=CANDIDATE[,CANDIDATE]
  std::vector<std::pair<std::string, std::string>> isolate;  // --isolate PATTERN[=SECONDS]: pattern, and seconds or ""
  std::string owner;                                         // of a graph inside a stage: the node, which patterns begin with
  // Facts of a model, for "$model.n_audio_layer" in the text: (model, key, folder of the graph) -> value, or nothing.
  std::function<std::optional<std::string>(const std::string&, const std::string&, const std::filesystem::path&)> fact;
};

// Reads and checks a graph file. Throws Error(input) with every mistake found. Without options.fact, facts come from the
// model files as find_model finds them.
Graph load_graph(const std::filesystem::path& file, const GraphOptions& options = {});

// ---- Catalog: the plugins there are ---------------------------------------------------------------------------------------

struct StageInfo {
  std::string plugin, kernel, op, signature, device;
  bool stream = false;
  std::string candidate() const { return kernel.empty() ? plugin : plugin + ":" + kernel; }
};

// One library found on the search path, as a child process saw it.
struct PluginInfo {
  std::filesystem::path file;
  std::string name, version;
  std::string error;                  // why it cannot be used, or ""
  std::filesystem::path shadowed_by;  // the copy that was found first, or ""
  std::vector<StageInfo> stages;
};

class Catalog {
 public:
  // Folders in order of preference; the first hit of a name wins. Nothing is loaded yet.
  explicit Catalog(std::vector<std::filesystem::path> folders);
  ~Catalog();
  Catalog(Catalog&&) noexcept;
  Catalog& operator=(Catalog&&) noexcept;

  // --plugin-path values, then NPURT_PLUGIN_PATH, then <prefix>/lib/npurt. Never the current folder.
  static std::vector<std::filesystem::path> search_path(const std::vector<std::filesystem::path>& first);

  // Looks at every library in a child process, so that one that crashes is a line of text.
  std::vector<PluginInfo> inspect() const;
  const std::vector<std::filesystem::path>& folders() const;

  struct Body;
  Body& body() const { return *body_; }

 private:
  std::unique_ptr<Body> body_;
};

// The built-in op contracts, one line each.
std::vector<std::string> op_signatures();

// ---- Models ---------------------------------------------------------------------------------------------------------------

struct ModelFinding {
  std::filesystem::path path;          // file or folder
  std::vector<std::string> looked_in;  // where, in order
};
// A path as given; else $XDG_CACHE_HOME/npurt/models/NAME; else <graph folder>/models/NAME[.safetensors]. `path` is empty if
// none.
ModelFinding find_model(const std::string& name, const std::filesystem::path& graph_folder);

struct ModelTensor {
  std::string name, dtype;
  std::vector<int64_t> dims;
};
struct ModelInfo {
  std::filesystem::path path;
  std::string layout;  // "npurt", "ctranslate2", "safetensors", "ggml"
  std::string config;  // unified JSON
  uint64_t bytes = 0;
  std::vector<ModelTensor> tensors;  // canonical names
};
// Opens a model and checks every length in it. Throws Error(input).
ModelInfo model_info(const std::filesystem::path& path);

// Reads every value of a model; throws Error(input) naming the tensor that holds NaN or Inf.
void verify_model(const std::filesystem::path& path);
// What was installed with the running program: <prefix>/share/npurt, with graphs and configs.
std::filesystem::path share_folder();
// Where pulled models are: $XDG_CACHE_HOME/npurt/models.
std::filesystem::path model_cache();

// A model of configs/models.yaml: one that can be fetched, or, without files, one that is part of npurt.
struct KnownFile {
  std::string name, sha256;
  uint64_t bytes = 0;
  std::vector<std::vector<std::string>> sources;  // best first; the parts of a source are joined
};
struct KnownModel {
  std::string name, help, licence;
  std::vector<KnownFile> files;
  // A model of one file is that file; others are a folder.
  std::filesystem::path place_in(const std::filesystem::path& folder) const {
    return folder / (files.size() == 1 ? files[0].name : name);
  }
};
// Throws Error(input).
std::vector<KnownModel> known_models(const std::filesystem::path& table);

// ---- Plan -----------------------------------------------------------------------------------------------------------------

struct Refusal {
  std::string candidate, reason;
};

struct Placement {
  std::string node, op, use, device, cause;  // cause: "first choice", "npu_mel refused: …", "after fault: …"
  std::vector<Refusal> refused;
  std::vector<std::string> nodes;  // of a block that is taken whole: its own nodes
};

// Reasons that several refusals of a table share, told once below it: "npu_matmul:i8 refused [1]".
class Footnotes {
 public:
  explicit Footnotes(const std::vector<Placement>& table);
  std::string cause(const Placement& row) const;  // with [1] for what stands below
  std::string text() const;                       // "[1] no NPU here\n"

 private:
  std::vector<std::string> shared_;
};

struct PlannedPort {
  std::string name, spec;  // "features f32[3000,80]"
};
// What a device does for a node: for each call in a plan, for all calls in a report.
struct DeviceWork {
  double seconds = 0;
  bool modelled = false;  // seconds are a cost model's, not a clock's
  uint64_t launches = 0;
  uint64_t read = 0, written = 0, converted = 0;  // bytes: moved by the device, and laid out anew by the host
  std::string conversions;                        // what the host lays out anew, in words
  void add(const DeviceWork& more);
};

struct PlannedNode {
  Placement placement;
  std::vector<PlannedPort> in, out;
  std::vector<std::string> after;  // "mel.features -> x"
  DeviceWork work;                 // of each call
};

// Values at a port of a node: row-major, dtype as signatures have it ("f32", "json").
struct Tensor {
  std::string port, dtype;
  std::vector<int64_t> dims;
  const void* data = nullptr;
  uint64_t bytes = 0;
  std::shared_ptr<const void> owner;  // null where data is only lent
  Tensor copy() const;                // owns its values, aligned to 64 bytes
};

struct PlanOptions {
  std::vector<std::pair<std::string, std::string>> require;  // --require PATTERN=DEVICE
  bool strict = false;                                       // leaving the first choice is an error
  int threads = 0;                                           // 0: one per physical core
  // At every call: shapes must be what the stage's signature says, and outputs hold no NaN or Inf. Debug builds always check.
  bool check_calls = false;
  std::vector<Tensor> inputs;  // dtype and dims for each of the graph's own inputs, so that a block can be planned by itself
  std::vector<std::pair<std::string, std::string>> avoid;  // (node, candidate) found faulty before
  std::string policy;                          // "declared" or "measured" instead of the graph's; `strict` outranks it
  std::filesystem::path tuning;                // the tuning cache; "": tuning_cache()
  std::map<std::string, std::string> options;  // given to every node that does not set them: "npu"
};

struct PluginUsed {
  std::string name, version, hash;  // of its library and those beside it
};

int default_threads();  // one per physical core that this process may use

class Plan {
 public:
  struct Body;
  explicit Plan(std::unique_ptr<Body>);
  ~Plan();
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;

  std::vector<PlannedNode> nodes() const;
  std::vector<std::string> notes() const;  // lifted bounds, what devices do, and the like
  std::string text() const;                // table
  std::string json() const;
  std::string dot() const;
  std::vector<PluginUsed> plugins() const;
  std::string signature() const;                      // one line; the same for the same nodes, shapes, candidates and plugins
  std::string why(const std::string& pattern) const;  // of every node it names, as --require names them

  Body& body() const { return *body_; }

 private:
  std::unique_ptr<Body> body_;
};

// Chooses a candidate for every node and opens its stage. Throws Error with every node that has none. The catalog and the graph
// are copied or shared as needed; the plan outlives both.
Plan make_plan(const Graph& graph, Catalog& catalog, const PlanOptions& options = {});

// ---- Run ------------------------------------------------------------------------------------------------------------------

struct NodeTiming {
  std::string node;
  double wall_s = 0;  // inside the stage
  // Of the lane's thread; on lane cpu also of threads that are no lane's, which are the workers that its stages start.
  double cpu_s = 0;
  int64_t calls = 0;
  DeviceWork work;  // of all calls, where the stage says
};

struct Report {
  bool cancelled = false;
  std::vector<Placement> placement;
  std::vector<std::string> fallbacks;  // sentences
  std::vector<NodeTiming> nodes;
  double wall_s = 0, cpu_s = 0;  // of the process, during run
  double plan_s = 0;             // model load and planning
  double overhead_s = 0;         // the most that any lane spent neither inside a stage nor waiting for a packet
  double audio_s = 0;            // as sources reported progress
  std::string json() const;
};

// What happened when, for ui.perfetto.dev and chrome://tracing (docs/trace.md): calls of stages by lane, queues, packets from cut
// to end, log lines of every level, faults, cancelling. One object may take several runs, one after the other.
class Trace {
 public:
  Trace();
  ~Trace();
  Trace(const Trace&) = delete;
  std::string json() const;  // Chrome's Trace Event Format

  struct Body;
  Body& body() const { return *body_; }

 private:
  std::unique_ptr<Body> body_;
};

// One good call of a stage. The tensors are lent for as long as the tap runs; an input that is not connected has no data.
struct Tapped {
  const std::string& node;
  int64_t index;  // of the packet within the file
  std::vector<Tensor> in, out;
};

struct RunOptions {
  std::string input;                          // replaces $input
  std::map<std::string, std::string> values;  // replaces other run-time names: "output", "format"
  const std::atomic<bool>* cancel = nullptr;
  std::function<void(const std::string& node, double done, double total)> progress;  // called from lanes, one at a time
  Trace* trace = nullptr;
  // Sees each call of the nodes that `tap_nodes` matches (a pattern as in --use), one at a time. Its time is in no NodeTiming.
  std::string tap_nodes;
  std::function<void(const Tapped&)> tap;
};

// Runs one input through the plan. Throws Error when it cannot finish; a cancelled run returns with `cancelled` set.
Report run_plan(Plan& plan, const RunOptions& options);

// Runs one node of an idle plan by itself, on inputs as a tap gave them (a stage that takes one packet after the other and keeps
// nothing). Adds to `timing`. Throws Error(usage) for another kind of node or inputs that do not fit, else as run_plan.
std::vector<Tensor> run_node(Plan& plan, const std::string& node, const std::vector<Tensor>& in, NodeTiming& timing);

// ---- Tuning ---------------------------------------------------------------------------------------------------------------

// How long one candidate takes for a node's shapes and options, on this machine.
struct Tuned {
  std::string node, candidate;
  double seconds = 0;   // median of a call
  std::string refused;  // why it cannot do the node, or ""
  std::string key;      // all that the time depends on
};
// Times each candidate of a node of an idle plan on `in` (see run_node), for about `budget_s` each. What `known` has the key of
// is taken from there. Throws Error(usage) as run_node does.
std::vector<Tuned> time_candidates(Plan& plan, const std::string& node, const std::vector<Tensor>& in, double budget_s,
                                   const std::vector<Tuned>& known = {});
std::filesystem::path tuning_cache();  // $XDG_CACHE_HOME/npurt/tuning.tsv
// Adds to the cache, or replaces what it has of the same keys. Safe against a crash half way and against other processes that
// save. Throws Error(run_failed).
void save_tunings(const std::vector<Tuned>& measured, const std::filesystem::path& cache);

// Log lines go to stderr at this level and above: debug, info, warn, error, off.
void set_log_level(const std::string& level);

// "1.0.0"
const char* version();

}  // namespace npurt
