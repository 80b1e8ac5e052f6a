#include <fnmatch.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include "comparison.hpp"
#include "energy.hpp"
#include "outputs.hpp"

namespace npurt::cli {

namespace {

class Measurement {
 public:
  Measurement(const ComparisonOptions& o, const std::atomic<bool>& cancel)
      : options_(o), cancel_(cancel), catalog_(open_catalog(o.selection.plugin_path)) {
    c_.graph = o.selection.graph;
    c_.pattern = o.pattern;
    c_.inputs = o.inputs.empty() ? std::vector<std::string>{""} : o.inputs;
    c_.energy = energy_.source();
    plans_.push_back(plan(o.a, c_.a));
    plans_.push_back(plan(o.b, c_.b));
  }

  Comparison run(const std::function<void(int)>& progress) {
    warm_up(0);
    warm_up(1);
    c_.compare_transcripts();
    std::mt19937 chance(std::random_device{}());
    for (int i = 0; i < options_.runs && !cancel_; ++i) {
      const int first = static_cast<int>(chance() & 1U);
      const Taken one = take(first), other = take(1 - first);
      if (cancel_) break;
      keep(first, one);
      keep(1 - first, other);
      progress(++c_.runs);
    }
    return std::move(c_);
  }

 private:
  struct Taken {
    double node_wall_s = 0, node_cpu_s = 0, wall_s = 0, cpu_s = 0;
    std::optional<double> joules;
  };
  Side& side(int which) { return which == 0 ? c_.a : c_.b; }
  bool compared(const std::string& node) const { return fnmatch(options_.pattern.c_str(), node.c_str(), 0) == 0; }

  // The candidate is the only one of its nodes, so that nothing else can stand in for it.
  Plan plan(const std::string& candidate, Side& s) {
    Selection selection = options_.selection;
    selection.use.push_back(options_.pattern + "=" + candidate);
    Plan made = selection.plan(selection.load(), catalog_);
    std::set<std::string> uses;
    c_.nodes.clear();
    for (const PlannedNode& n : made.nodes()) {
      if (!compared(n.placement.node)) continue;
      uses.insert(n.placement.use);
      c_.nodes.push_back(n.placement.node);
    }
    s.candidate = candidate;
    s.uses.assign(uses.begin(), uses.end());
    return made;
  }

  // All inputs once through a plan; `tap` and `heard` may be null.
  Taken take(int which, const std::function<void(const Tapped&)>& tap = nullptr, std::vector<Transcript>* heard = nullptr) {
    Taken taken;
    energy_.spent();
    for (const std::string& input : c_.inputs) {
      TemporaryFile out;
      RunOptions run;
      run.input = input;
      run.values = {{"output", out.path().string()}, {"format", "json"}};
      run.cancel = &cancel_;
      run.tap_nodes = options_.pattern;
      run.tap = tap;
      const Report report = run_plan(plans_[static_cast<size_t>(which)], run);
      taken.wall_s += report.wall_s;
      taken.cpu_s += report.cpu_s;
      for (const NodeTiming& n : report.nodes) {
        if (!compared(n.node)) continue;
        taken.node_wall_s += n.wall_s;
        taken.node_cpu_s += n.cpu_s;
      }
      if (!heard) continue;
      std::ifstream file(out.path(), std::ios::binary);
      heard->push_back(read_transcript({std::istreambuf_iterator<char>(file), {}}));
    }
    taken.joules = energy_.spent();
    return taken;
  }

  void keep(int which, const Taken& t) {
    Side& s = side(which);
    s.node_wall_s.push_back(t.node_wall_s);
    s.node_cpu_s.push_back(t.node_cpu_s);
    s.wall_s.push_back(t.wall_s);
    s.cpu_s.push_back(t.cpu_s);
    if (t.joules) s.joules.push_back(*t.joules);
  }

  // A run that is not timed: it fills caches, and its values and transcripts are what is compared.
  void warm_up(int which) {
    Side& s = side(which);
    take(
        which,
        [&](const Tapped& t) {
          ++s.calls;
          for (const auto* ports : {&t.in, &t.out})
            for (const Tensor& x : *ports) s.bytes_moved += x.bytes;
          if (which == 0 && c_.no_errors.empty()) compare_values(t);
        },
        &s.heard);
  }

  // b's plan is idle while a's runs, so b gets the very inputs that a got.
  void compare_values(const Tapped& t) {
    try {
      NodeTiming ignored;
      const std::vector<Tensor> out = run_node(plans_[1], t.node, t.in, ignored);
      for (size_t i = 0; i < t.out.size(); ++i) c_.errors[t.node].add(t.out[i], out[i]);
    } catch (const Error& e) {
      if (e.code != Exit::usage) throw;
      c_.no_errors = e.diagnostics.empty() ? e.what() : e.diagnostics[0].message;
      c_.errors.clear();
    }
  }

  const ComparisonOptions& options_;
  const std::atomic<bool>& cancel_;
  Catalog catalog_;
  std::vector<Plan> plans_;  // a's and b's
  Energy energy_;
  Comparison c_;
};

}  // namespace

Comparison measure(const ComparisonOptions& options, const std::atomic<bool>& cancel, const std::function<void(int)>& progress) {
  return Measurement(options, cancel).run(progress);
}

}  // namespace npurt::cli
