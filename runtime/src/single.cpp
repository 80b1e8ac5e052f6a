#include "single.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "plan.hpp"
#include "signature.hpp"

namespace npurt {
namespace {

Tensor lent(const std::string& port, const npurt_tensor& t) {
  Tensor out{port, "", {}, t.data, t.data ? t.bytes : 0, nullptr};
  if (!t.data) return out;
  out.dtype = dtype_name(t.spec.dtype);
  out.dims.assign(t.spec.dims, t.spec.dims + t.spec.rank);
  return out;
}

}  // namespace

PlanNode& find_idle(Plan& plan, const std::string& id) {
  PlanNode* found = nullptr;
  each_node(plan.body().graph, [&](PlanNode& p) {
    if (p.text.id == id) found = &p;
  });
  if (!found) throw Error(Exit::usage, "the plan has no node '" + id + "'");
  if (found->stage.stage->stream() || found->splits() || found->source())
    throw Error(Exit::usage, "node '" + id + "' keeps state or makes packets of its own, so it cannot run by itself");
  return *found;
}

void ready_alone(Surroundings& around) {
  around.stop = false;
  around.cancel = nullptr;
  around.clocks.clear();
  around.clocks.add_this_thread();
}

namespace {

// `t` as the stage takes it at input `port`; throws if it is not what was planned.
npurt_tensor given(const PlanNode& p, size_t port, const Tensor& t) {
  npurt_tensor out = blank_tensor();
  if (!p.in[port].connected()) return out;
  const npurt_spec& planned = p.in_specs[port];
  out.spec = planned;
  bool fits = t.dtype == dtype_name(planned.dtype) && t.dims.size() == planned.rank;
  for (uint32_t i = 0; fits && i < planned.rank; ++i) {
    fits = t.dims[i] >= 0 && (planned.dims[i] < 0 || planned.dims[i] == t.dims[i]);
    out.spec.dims[i] = t.dims[i];
  }
  if (!fits || spec_bytes(out.spec) != t.bytes || !t.data)
    throw Error(Exit::usage, "input '" + p.op.in[port].name + "' of node '" + p.text.id + "' wants " + spec_text(planned));
  out.data = const_cast<void*>(t.data);
  out.bytes = t.bytes;
  return out;
}

}  // namespace

void give(Step& step, const PlanNode& p, const std::vector<Tensor>& in) {
  if (in.size() != p.op.in.size())
    throw Error(Exit::usage,
                "node '" + p.text.id + "' has " + std::to_string(p.op.in.size()) + " inputs, not " + std::to_string(in.size()));
  for (size_t i = 0; i < in.size(); ++i) step.in[i] = given(p, i, in[i]);
}

Tensor Tensor::copy() const {
  Tensor t = *this;
  if (!data) return t;
  std::shared_ptr<void> memory(aligned_memory(bytes), std::free);
  std::memcpy(memory.get(), data, bytes);
  t.data = memory.get();
  t.owner = std::move(memory);
  return t;
}

std::vector<npurt_spec> specs(const std::vector<Tensor>& tensors) {
  std::vector<npurt_spec> out;
  for (const Tensor& t : tensors) {
    npurt_spec s{sizeof(npurt_spec), 0, static_cast<uint32_t>(t.dims.size()), 0, {}};
    for (uint32_t id = NPURT_F32; id <= NPURT_JSON; ++id)
      if (t.dtype == dtype_name(id)) s.dtype = id;
    if (s.dtype == 0 || t.dims.size() > NPURT_MAX_RANK)
      throw Error(Exit::usage, "'" + t.port + "' is no tensor that a stage can take");
    std::copy(t.dims.begin(), t.dims.end(), s.dims);
    out.push_back(s);
  }
  return out;
}

Tapped tapped(const PlanNode& p, const npurt_call& c) {
  Tapped t{p.text.id, c.index, {}, {}};
  for (size_t i = 0; i < p.op.in.size(); ++i) t.in.push_back(lent(p.op.in[i].name, c.in[i]));
  for (size_t i = 0; c.emit && i < p.op.out.size(); ++i) t.out.push_back(lent(p.op.out[i].name, c.out[i]));
  return t;
}

std::vector<Tensor> run_node(Plan& plan, const std::string& node, const std::vector<Tensor>& in, NodeTiming& timing) {
  PlanNode& p = find_idle(plan, node);
  Surroundings& around = plan.body().around;
  ready_alone(around);
  Step step(p, around);
  step.timing = timing;
  give(step, p, in);
  step.run(0, false);
  timing = step.timing;
  std::vector<Tensor> out;
  for (size_t i = 0; i < p.op.out.size(); ++i) out.push_back(lent(p.op.out[i].name, step.take(i, 0).view()).copy());
  return out;
}

}  // namespace npurt
