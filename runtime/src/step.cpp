#include "step.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace npurt {
namespace {

bool finite(const npurt_tensor& t) {
  const auto* x = static_cast<const float*>(t.data);
  const size_t n = t.bytes / sizeof(float);
  // NaN and Inf survive being multiplied by zero, so one sum tells whether any is there.
  float sum = 0;
  for (size_t i = 0; i < n; ++i) sum += x[i] * 0.0F;
  return sum == 0.0F;
}

}  // namespace

Step::Step(PlanNode& p, Surroundings& around)
    : in(p.op.in.size(), blank_tensor()), timing{p.text.id, 0, 0, 0, {}}, p_(p), around_(around) {
  check_calls_ = around.options.check_calls;
#ifndef NDEBUG
  check_calls_ = true;
#endif
}

Stepped Step::run(int64_t index, bool end) {
  for (;;) {
    if (check_calls_) check_inputs();
    p_.host->prepare(out, p_.out_specs);
    npurt_call c{sizeof(npurt_call),
                 static_cast<uint32_t>(in.size()),
                 static_cast<uint32_t>(out.views.size()),
                 end ? 1U : 0U,
                 in.data(),
                 out.views.data(),
                 index,
                 p_.host->face(),
                 1,
                 0};
    const int32_t returned = call(c);
    p_.host->finish();
    const auto [code, sentence] = p_.host->verdict(returned);
    switch (code) {
      case NPURT_OK:
        if (end ? !p_.splits() && !sums_up() : sums_up()) c.emit = 0;
        check_outputs(c, end);
        if (around_.tap) around_.tap(p_, c);
        return {c.emit != 0, c.again != 0, false};
      case NPURT_CANCELLED:
        if (around_.cancelled()) return {false, false, true};
        stop(NPURT_BUG, "says that it was cancelled, but nobody asked");
      case NPURT_FAULT:
        fall_back(sentence);
        break;  // the same packet again
      case NPURT_REFUSE:
        stop(NPURT_BUG, "refused a packet while running, where only planning may refuse: " + sentence);
      default:
        stop(code, sentence);
    }
  }
}

int32_t Step::call(npurt_call& c) {
  using clock = std::chrono::steady_clock;
  const bool workers = p_.placement.device == "cpu";
  const double cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID), others = workers ? around_.clocks.workers() : 0;
  const auto begin = clock::now();
  const int32_t code = p_.stage.run(c);
  const auto ended = clock::now();
  timing.wall_s += std::chrono::duration<double>(ended - begin).count();
  double spent = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
  if (workers) spent += std::max(0.0, around_.clocks.workers() - others);
  const double elsewhere = p_.stage.cpu_elsewhere();
  spent += elsewhere;
  if (elsewhere > 0) around_.child_cpu_s.fetch_add(elsewhere);
  timing.cpu_s += spent;
  ++timing.calls;
  if (around_.trace) around_.trace->call(p_, begin, ended, c, code, spent);
  timing.work.add(p_.host->take_work());
  return code;
}

// Dims that only the data decides were not known when the plan was made.
void Step::check_inputs() const {
  Bindings names;
  for (size_t i = 0; i < in.size(); ++i)
    if (in[i].data)
      if (std::string why = matches(in[i].spec, p_.stage.stage->signature.in[i], names); !why.empty())
        stop(NPURT_BAD_CONFIG, "this stage cannot take the packet: " + why);
}

void Step::check_outputs(const npurt_call& c, bool end) const {
  const auto& ports = p_.op.out;
  if (!p_.splits() && !sums_up() && !ports.empty() && !end && (!c.emit || c.again))
    stop(NPURT_BUG, c.again ? "asked for more calls, which only an output marked @split allows"
                            : "skipped a packet, which only an output marked @split allows");
  if (!check_calls_ || !c.emit) return;
  Bindings names;
  for (size_t i = 0; i < in.size(); ++i)
    if (in[i].data) matches(in[i].spec, p_.stage.stage->signature.in[i], names);
  for (size_t i = 0; i < out.views.size(); ++i) {
    const npurt_tensor& made = out.views[i];
    if (!made.data) continue;
    if (std::string why = matches(made.spec, p_.stage.stage->signature.out[i], names); !why.empty())
      stop(NPURT_BUG, "broke its contract: " + why);
    if (made.spec.dtype == NPURT_F32 && !finite(made))
      stop(NPURT_BUG, "wrote NaN or Inf into output " + ports[i].name + " " + spec_text(made.spec));
  }
}

// A stage that sees a whole file before it fills its @stream outputs.
bool Step::sums_up() const {
  const auto& ports = p_.op.out;
  return !p_.source() && p_.stage.stage->stream() &&
         std::any_of(ports.begin(), ports.end(), [](const Port& o) { return o.stream; });
}

Packet Step::take(size_t port, int64_t index) {
  const npurt_tensor& t = out.views[port];
  if (!t.data) stop(NPURT_BUG, "left output " + p_.op.out[port].name + " without a shape");
  return {t.spec, std::move(out.memory[port]), index, p_.stage.stage->device.c_str()};
}

void Step::fall_back(const std::string& fault) {
  const std::string who = p_.placement.use;
  if (p_.stage.stage->stream())
    stop(NPURT_FAULT, fault + " (the stage keeps state from packet to packet, so another candidate cannot take over)");
  if (!place_next(p_, around_, fault)) stop(NPURT_FAULT, fault);
  const std::string sentence = p_.text.id + ": " + who + " failed (" + fault + "); " + p_.placement.use + " took over";
  log_line(NPURT_WARN, p_.text.id, who + " failed (" + fault + "); " + p_.placement.use + " took over");
  if (around_.trace) around_.trace->moment("fault: " + sentence, "fault", {{"node", p_.text.id}});
  std::lock_guard lock(around_.fallbacks_mutex);
  around_.fallbacks.push_back(sentence);
}

void Step::stop(npurt_code code, const std::string& sentence) const {
  const std::string label = "node '" + p_.text.id + "' (op " + p_.op.op + ", " + p_.placement.use + ")";
  if (code == NPURT_BAD_CONFIG) throw Error(Exit::input, {Diagnostic{{}, sentence, {{"node", label}}}});
  if (code == NPURT_BUG)
    throw Error(Exit::plugin,
                {Diagnostic{p_.text.place, "plugin " + p_.placement.use + " is broken: " + sentence, {{"node", label}}}});
  Diagnostic d{p_.text.place, label + " failed, and no candidate is left: " + sentence, {}};
  for (const Refusal& r : p_.placement.refused) d.details.emplace_back("tried " + r.candidate, r.reason);
  throw Error(Exit::device, {d});
}

}  // namespace npurt
