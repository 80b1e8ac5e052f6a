// Each candidate of one node on the same inputs, one after the other.
#include <algorithm>
#include <chrono>

#include "plan.hpp"
#include "single.hpp"
#include "tuning.hpp"

namespace npurt {
namespace {

constexpr int kFewest = 5;  // timed calls

// Makes `q` a node of its own for candidate `c` of `p`.
void make_alone(PlanNode& q, const PlanNode& p, const Candidate& c) {
  q.text = p.text;
  q.op = p.op;
  q.in = p.in;
  q.in_specs = p.in_specs;
  q.candidates = {c};
  q.placement = {p.text.id, p.text.op, "", "", "", {}, {}};
}

double median_call(Step& step, double budget_s) {
  std::vector<double> times;
  step.run(0, false);  // fills caches
  const double begin = step.timing.wall_s;
  while (times.size() < kFewest || step.timing.wall_s - begin < budget_s) {
    const double before = step.timing.wall_s;
    step.run(0, false);
    times.push_back(step.timing.wall_s - before);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

}  // namespace

std::vector<Tuned> time_candidates(Plan& plan, const std::string& node, const std::vector<Tensor>& in, double budget_s,
                                   const std::vector<Tuned>& known) {
  PlanNode& p = find_idle(plan, node);
  Surroundings& around = plan.body().around;
  ready_alone(around);
  std::vector<Tuned> all;
  for (const Candidate& c : p.candidates) {
    if (!c.stage || c.stage->plugin.empty()) continue;  // the nodes of a block are timed one by one, where they are nodes
    Tuned t{node, c.name, 0, "", tuning_key(p, *c.stage, around)};
    const auto same = std::find_if(known.begin(), known.end(), [&](const Tuned& k) { return k.key == t.key; });
    if (same != known.end()) {
      all.push_back(*same);
      all.back().node = node;
      continue;
    }
    PlanNode q;
    make_alone(q, p, c);
    if (const auto stop = place(q, around)) {
      t.refused = q.placement.refused.empty() ? stop->sentence : q.placement.refused[0].reason;
    } else {
      Step step(q, around);
      give(step, q, in);
      try {
        t.seconds = median_call(step, budget_s);
      } catch (const Error& e) {
        t.refused = e.diagnostics.empty() ? e.what() : e.diagnostics[0].message;
      }
    }
    all.push_back(std::move(t));
  }
  return all;
}

}  // namespace npurt
