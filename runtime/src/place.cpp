#include "place.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cstdio>

#include "block.hpp"
#include "tuning.hpp"

namespace npurt {
namespace {

npurt_spec blank_spec() { return {sizeof(npurt_spec), 0, 0, 0, {}}; }

// "" if every connected input fits the signature.
std::string inputs_fit(const PlanNode& p, const Signature& signature, Bindings& names) {
  for (size_t i = 0; i < p.in.size(); ++i) {
    if (!p.in[i].connected()) continue;
    std::string why = matches(p.in_specs[i], signature.in[i], names);
    if (!why.empty()) return why;
  }
  return "";
}

// What the signature alone says of an output, so that a stage's plan need only fill in the rest.
npurt_spec promised(const Port& port, const Bindings& names) {
  npurt_spec s = blank_spec();
  if (port.dtypes.size() == 1) s.dtype = port.dtypes[0];
  s.rank = static_cast<uint32_t>(std::min<size_t>(port.dims.size(), NPURT_MAX_RANK));
  for (uint32_t i = 0; i < s.rank; ++i) {
    auto it = names.find(port.dims[i].name);
    s.dims[i] = port.dims[i].number >= 0 ? port.dims[i].number : it != names.end() ? it->second : NPURT_UNKNOWN;
  }
  if (s.dtype == NPURT_JSON) {
    s.rank = 1;
    s.dims[0] = NPURT_UNKNOWN;
  }
  return s;
}

bool same_shape(const npurt_spec& a, const npurt_spec& b) {
  return a.dtype == b.dtype && a.rank == b.rank && a.layout == b.layout && std::equal(a.dims, a.dims + a.rank, b.dims);
}

// One candidate: OK and p.stage open, or its code and sentence.
std::pair<npurt_code, std::string> try_candidate(PlanNode& p, const Stage& stage, Surroundings& around) {
  Bindings names;
  if (std::string why = inputs_fit(p, stage.signature, names); !why.empty()) return {NPURT_REFUSE, why};
  p.stage.close();
  p.host = std::make_unique<NodeHost>(p.text, around, p.shared ? around.shared : around.pool);
  if (p.own) p.host->lend(p.own->graph);
  try {
    p.stage.choose(stage, p.text, around, p.host->face());
  } catch (const Error& e) {
    return {NPURT_BAD_CONFIG, e.diagnostics.empty() ? e.what() : e.diagnostics[0].message};
  }
  std::vector<npurt_spec> out;
  for (const Port& port : stage.signature.out) out.push_back(promised(port, names));
  const auto inputs = static_cast<uint32_t>(p.in_specs.size()), outputs = static_cast<uint32_t>(out.size());

  auto said = p.host->verdict(p.stage.plan(p.in_specs.data(), inputs, out.data(), outputs));
  if (said.first != NPURT_OK) return said;
  for (size_t i = 0; i < out.size(); ++i) {
    std::string why = matches(out[i], stage.signature.out[i], names);
    if (!why.empty()) return {NPURT_BUG, "planned an output that its signature does not allow: " + why};
    if (!p.out_specs.empty() && !same_shape(out[i], p.out_specs[i]))
      return {NPURT_REFUSE, "would make " + stage.signature.out[i].name + " " + spec_text(out[i]) + " where the plan has " +
                                spec_text(p.out_specs[i])};
  }
  said = p.host->verdict(p.stage.open(p.in_specs.data(), inputs));
  if (said.first != NPURT_OK) return said;
  if (p.own && &stage == &p.own->stage)
    if (std::string want = unmet_inside(p, around.options); !want.empty())
      return {NPURT_REFUSE, "--require " + want + " forbids it"};
  p.out_specs = std::move(out);
  return {NPURT_OK, ""};
}

std::string milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g ms", 1e3 * seconds);
  return text;
}

// What the options say against a candidate, or "".
std::string forbidden(const PlanNode& p, const Candidate& c, const PlanOptions& options) {
  for (const auto& [node, candidate] : options.avoid)
    if (node == p.text.id && candidate == c.name) return "found faulty before";
  if (options.strict && c.choice > 0) return "--strict keeps to the first choice, " + p.text.use[0].name;
  return "";
}

std::string label(const PlanNode& p) { return "node '" + p.text.id + "' (op " + p.op.op + ")"; }

// The place of the option that a sentence speaks of, else the node's.
Place place_of(const PlanNode& p, const std::string& sentence) {
  for (const auto& [name, setting] : p.text.with)
    if (sentence.find("option '" + name + "'") != std::string::npos && setting.place.line) return setting.place;
  return p.text.place;
}

Diagnostic no_candidate(const PlanNode& p, const Surroundings& around) {
  Diagnostic d{p.text.place, "", {}};
  const bool all_missing = !p.candidates.empty() &&
                           std::all_of(p.candidates.begin(), p.candidates.end(), [](const Candidate& c) { return c.missing; });
  if (p.candidates.size() == 1 && all_missing) {
    d.place = p.candidates[0].place;
    d.message = p.candidates[0].why_not;
  } else {
    d.message = p.candidates.empty() ? "no plugin has a stage for " + label(p) : "no candidate accepts " + label(p);
    for (size_t i = 0; i < p.in.size(); ++i)
      if (p.in[i].connected()) d.details.emplace_back("wanted", p.op.in[i].name + " " + spec_text(p.in_specs[i]));
    for (const Refusal& r : p.placement.refused) d.details.emplace_back("tried " + r.candidate, r.reason);
  }
  if (all_missing || p.candidates.empty())
    for (const auto& f : around.plugins->folders()) d.details.emplace_back("searched", f.string());
  d.details.emplace_back("hint", all_missing || p.candidates.empty() ? "npurt plugins" : "npurt inspect " + p.text.op);
  return d;
}

}  // namespace

bool names_node(const std::string& pattern, const std::string& node) {
  return fnmatch(pattern.c_str(), node.c_str(), 0) == 0 || node.starts_with(pattern + ".");
}

std::string unmet(const PlanNode& p, const std::string& device, const std::string& candidate, const PlanOptions& options) {
  auto names = [&](const std::string& pattern) {
    return names_node(pattern, p.text.id) ||
           std::any_of(p.placement.nodes.begin(), p.placement.nodes.end(), [&](auto& n) { return names_node(pattern, n); });
  };
  for (const auto& [pattern, want] : options.require)
    if (names(pattern) && want != device && want != candidate && want != candidate.substr(0, candidate.find(':')))
      return pattern + "=" + want;
  return "";
}

std::optional<Unplaced> place(PlanNode& p, Surroundings& around) {
  const bool again = !p.placement.use.empty();
  if (!again && p.tried == 0 && !around.tunings.empty()) sort_by_time(p, around);
  for (; p.tried < p.candidates.size(); ++p.tried) {
    const Candidate& c = p.candidates[p.tried];
    std::string why = c.stage ? forbidden(p, c, around.options) : c.why_not;
    if (again && why.empty()) {
      if (p.own && c.stage == &p.own->stage) p.placement.nodes.clear();  // they are seen again, and judged one by one
      const std::string want = unmet(p, c.stage->device, c.name, around.options);
      if (!want.empty()) why = "--require " + want + " forbids it";
    }
    if (why.empty()) {
      auto [code, sentence] = try_candidate(p, *c.stage, around);
      if (code == NPURT_OK) {
        ++p.tried;
        p.placement.use = c.name;
        p.placement.device = c.stage->device;
        if (c.measured_s > 0 && !again) p.placement.cause = "measured: " + milliseconds(c.measured_s);
        else if (c.choice == 0 && !again) p.placement.cause = "first choice";
        else if (!again)
          for (const Refusal& r : p.placement.refused)
            p.placement.cause += (p.placement.cause.empty() ? "" : "; ") + r.candidate + " refused: " + r.reason;
        if (p.text.isolate_s > 0 && !again) p.placement.cause += ", isolated";
        return {};
      }
      p.stage.close();
      if (code == NPURT_BAD_CONFIG || code == NPURT_BUG) return Unplaced{code, c.name, sentence};
      why = sentence;
    }
    p.placement.refused.push_back({c.name, why});
  }
  return Unplaced{NPURT_REFUSE, "", "no candidate is left"};
}

void share_packets(PlannedGraph& g, bool outputs) {
  for (PlanNode& p : g.nodes) {
    if (p.text.isolate_s > 0) {
      p.shared = true;
      for (const Wire& w : p.in)
        if (w.connected() && w.node != kGraphInput) g.nodes[w.node].shared = true;
    }
    for (const GraphPort& o : g.graph.outputs)
      if (outputs && o.node == p.text.id) p.shared = true;
  }
  for (PlanNode& b : g.nodes)
    for (const Wire& w : b.gives) b.shared = b.shared || (w.connected() && g.nodes[w.node].shared);
}

void place_all(PlannedGraph& g, const std::vector<npurt_spec>& inputs, Surroundings& around, std::vector<Diagnostic>& wrong,
               std::vector<Diagnostic>& missing) {
  for (size_t i : g.order) {
    PlanNode& p = g.nodes[i];
    if (p.absent) continue;
    p.in_specs.assign(p.in.size(), blank_spec());
    bool known = true;
    for (size_t k = 0; k < p.in.size(); ++k) {
      const Wire& w = p.in[k];
      if (w.node == kGraphInput) p.in_specs[k] = inputs.at(w.port);
      else if (w.connected() && g.nodes[w.node].out_specs.empty()) known = false;
      else if (w.connected()) p.in_specs[k] = g.nodes[w.node].out_specs[w.port];
    }
    if (!known) continue;
    Bindings names;
    if (std::string why = inputs_fit(p, p.op, names); !why.empty()) {
      wrong.push_back({p.text.place, label(p) + ": " + why, {{"hint", "npurt inspect " + p.op.op}}});
      continue;
    }
    const auto stop = place(p, around);
    if (!stop && p.block()) take_whole(g, i);
    if (!stop) continue;
    if (p.block() && stop->code == NPURT_REFUSE && !around.options.strict) {
      leave_to_nodes(g, i);
      continue;
    }
    if (stop->code == NPURT_BAD_CONFIG) wrong.push_back({place_of(p, stop->sentence), label(p) + ": " + stop->sentence, {}});
    else if (stop->code == NPURT_BUG)
      missing.push_back({p.text.place, "plugin " + stop->candidate + " is broken: " + stop->sentence, {{"node", label(p)}}});
    else missing.push_back(no_candidate(p, around));
  }
  std::erase_if(g.order, [&](size_t i) { return g.nodes[i].absent; });
  note_blocks(g);
}

bool place_next(PlanNode& p, Surroundings& around, const std::string& fault) {
  const std::string cause = "after fault: " + p.placement.use + ": " + fault;
  p.placement.refused.push_back({p.placement.use, "fault while running: " + fault});
  if (around.options.strict) return false;
  while (p.tried < p.candidates.size()) {
    const auto stop = place(p, around);
    if (!stop) {
      p.placement.cause = cause;
      return true;
    }
    if (stop->code == NPURT_REFUSE) break;
    p.placement.refused.push_back({stop->candidate, stop->sentence});
    ++p.tried;
  }
  return false;
}

}  // namespace npurt
