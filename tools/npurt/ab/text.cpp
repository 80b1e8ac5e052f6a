// The comparison as people and programs read it.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "comparison.hpp"

namespace npurt::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostFlips = 20;  // shown on a terminal

template <typename... T>
std::string format(const char* form, T... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, form, values...);
  return buffer;
}

std::string row(const char* name, const Ratio& r, double scale, const char* unit) {
  return format("%-12s %10.2f %10.2f %-3s %8.3f   %.3f to %.3f   %s\n", name, scale * r.a, scale * r.b, unit, r.value, r.low,
                r.high, r.verdict.c_str());
}

std::string joined(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& s : all) text += (text.empty() ? "" : ", ") + s;
  return text;
}

Json ratio(const Ratio& r) {
  return {{"a", r.a},       {"b", r.b},           {"ratio", r.value},    {"low", r.low},
          {"high", r.high}, {"chance", r.chance}, {"verdict", r.verdict}};
}

Json side(const Side& s) {
  return {{"candidate", s.candidate},
          {"uses", s.uses},
          {"calls", s.calls},
          {"bytes_moved", s.bytes_moved},
          {"node_wall_s", s.node_wall_s},
          {"node_cpu_s", s.node_cpu_s},
          {"wall_s", s.wall_s},
          {"cpu_s", s.cpu_s},
          {"joules", s.joules}};
}

Json error(const ValueError& e) {
  return {{"values", e.values()},     {"equal", e.exact()},   {"not_finite", e.not_finite()}, {"max_abs", e.largest()},
          {"relative", e.relative()}, {"cosine", e.cosine()}, {"histogram", e.histogram()}};
}

}  // namespace

std::string text(const Comparison& c) {
  std::string out;
  for (const std::string& s : c.broken()) out += "BROKEN: " + s + "\n";
  out += format("%s: %zu node%s, a %s, b %s; %d pairs over %zu input%s\n", c.pattern.c_str(), c.nodes.size(),
                c.nodes.size() == 1 ? "" : "s", joined(c.a.uses).c_str(), joined(c.b.uses).c_str(), c.runs, c.inputs.size(),
                c.inputs.size() == 1 ? "" : "s");
  out += "                      a          b          b/a   99 % interval    verdict\n";
  out += row("node, wall", c.node_wall(), 1e3, "ms") + row("node, CPU", c.node_cpu(), 1e3, "ms") +
         row("run, wall", c.wall(), 1e3, "ms") + row("run, CPU", c.cpu(), 1e3, "ms");
  if (!c.a.joules.empty()) out += row("run, energy", c.joules(), 1, "J");
  out += format("calls: %lld and %lld, moving %.1f and %.1f MB; energy: %s\n", static_cast<long long>(c.a.calls),
                static_cast<long long>(c.b.calls), static_cast<double>(c.a.bytes_moved) / 1e6,
                static_cast<double>(c.b.bytes_moved) / 1e6, c.energy.c_str());
  const ValueError e = c.error();
  if (c.errors.empty()) out += "values: not compared" + (c.no_errors.empty() ? "" : ": " + c.no_errors) + "\n";
  else
    out += format("values, on the same inputs: cosine %.6f, error %.2e of a's size, at most %.2e; %.1f %% equal\n", e.cosine(),
                  e.relative(), e.largest(), 100.0 * static_cast<double>(e.exact()) / static_cast<double>(e.values()));
  out += format("transcript: %d words, %d differ (%.2f %%); %d of %d tokens flipped\n", c.words, c.word_edits,
                100 * c.word_error_rate(), c.token_edits, c.tokens);
  size_t shown = 0, more = 0;
  for (size_t i = 0; i < c.flips.size(); ++i)
    for (const Flip& f : c.flips[i]) {
      if (shown == kMostFlips) {
        ++more;
        continue;
      }
      ++shown;
      out += (c.inputs.size() > 1 ? "  " + c.inputs[i] : "") + format("  %.1f s: … ", f.at) + f.before + " [" + f.a + " → " +
             f.b + "] " + f.after + " …\n";
    }
  if (more) out += format("  and %zu more: --report has them all\n", more);
  return out;
}

std::string json(const Comparison& c) {
  Json j = {{"npurt", version()}, {"graph", c.graph},     {"node", c.pattern}, {"nodes", c.nodes}, {"inputs", c.inputs},
            {"runs", c.runs},     {"broken", c.broken()}, {"a", side(c.a)},    {"b", side(c.b)}};
  j["speed"] = {{"node_wall_s", ratio(c.node_wall())},
                {"node_cpu_s", ratio(c.node_cpu())},
                {"wall_s", ratio(c.wall())},
                {"cpu_s", ratio(c.cpu())}};
  if (!c.a.joules.empty()) j["speed"]["joules"] = ratio(c.joules());
  j["energy"] = c.energy;
  if (!c.errors.empty()) {
    j["values"] = error(c.error());
    j["values"]["first_bin"] = ValueError::kLowest;
    for (const auto& [node, e] : c.errors) j["values"]["nodes"][node] = error(e);
  } else {
    j["values"] = {{"not_compared", c.no_errors}};
  }
  j["transcript"] = {{"words", c.words},   {"edits", c.word_edits},        {"wer", c.word_error_rate()},
                     {"tokens", c.tokens}, {"token_edits", c.token_edits}, {"flips", Json::array()}};
  for (size_t i = 0; i < c.flips.size(); ++i)
    for (const Flip& f : c.flips[i])
      j["transcript"]["flips"].push_back(
          {{"input", c.inputs[i]}, {"at", f.at}, {"a", f.a}, {"b", f.b}, {"before", f.before}, {"after", f.after}});
  return j.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace npurt::cli
