// The comparison as one page that needs nothing else: no script, no font, no network.
#include <cstdio>

#include "comparison.hpp"
#include "plots.hpp"

namespace npurt::cli {

namespace {

constexpr const char* kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --faint: #57606a; --line: #d0d7de; --card: #f6f8fa;
        --a: #57606a; --b: #0969da; --good: #1a7f37; --bad: #b42318; --bad-back: #ffebe9; --band: #0969da26; }
@media (prefers-color-scheme: dark) {
  :root { --back: #0d1117; --text: #e6edf3; --faint: #9198a1; --line: #3d444d; --card: #151b23;
          --a: #9198a1; --b: #4493f8; --good: #3fb950; --bad: #ff7b72; --bad-back: #3c1618; --band: #4493f833; } }
body { background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } p { margin: .4rem 0; }
code { font: .9em ui-monospace, monospace; } .faint { color: var(--faint); } .better { color: var(--good); } .worse { color: var(--bad); }
.broken { background: var(--bad-back); color: var(--bad); border-left: .3rem solid; padding: .6rem 1rem; font-weight: 600; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem .3rem 0; text-align: right; border-bottom: 1px solid var(--line); } th:first-child, td:first-child, .left { text-align: left; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); gap: 1rem; } figure { margin: 0; background: var(--card); padding: .6rem; border-radius: .4rem; }
figcaption { font-weight: 600; } svg { width: 100%; height: auto; }
svg .label { fill: var(--faint); font: 14px system-ui, sans-serif; } svg .axis { stroke: var(--line); } svg .band { fill: var(--band); }
svg .median { stroke: var(--b); stroke-width: 1.5; } svg .one { stroke: var(--text); stroke-dasharray: 5 4; }
svg .a, .key-a { fill: var(--a); color: var(--a); } svg .b, .key-b { fill: var(--b); color: var(--b); }
del { color: var(--bad); } ins { color: var(--good); text-decoration: none; font-weight: 600; }
</style>
)";

template <typename... T>
std::string format(const char* form, T... values) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, form, values...);
  return buffer;
}

std::string names(const std::vector<std::string>& all) {
  std::string out;
  for (const std::string& s : all) out += (out.empty() ? "<code>" : ", <code>") + escaped(s) + "</code>";
  return out;
}

std::string speed_row(const char* name, const Ratio& r, double scale, const char* unit) {
  const char* kind = r.verdict == "b is faster" ? "better" : r.verdict == "b is slower" ? "worse" : "faint";
  return format(
      "<tr><td>%s</td><td>%.2f %s</td><td>%.2f %s</td><td>%.3f</td><td>%.3f to %.3f</td><td class='left %s'>%s</td></tr>\n", name,
      scale * r.a, unit, scale * r.b, unit, r.value, r.low, r.high, kind, r.verdict.c_str());
}

std::string speed(const Comparison& c) {
  std::string out =
      "<h2>Speed</h2>\n<div class='wide'><table><tr><th></th><th class='key-a'>a</th><th class='key-b'>b</th><th>b / "
      "a</th><th>99 % "
      "interval</th><th></th></tr>\n";
  out += speed_row("node, wall", c.node_wall(), 1e3, "ms") + speed_row("node, CPU", c.node_cpu(), 1e3, "ms") +
         speed_row("whole run, wall", c.wall(), 1e3, "ms") + speed_row("whole run, CPU", c.cpu(), 1e3, "ms");
  if (!c.a.joules.empty()) out += speed_row("whole run, energy", c.joules(), 1, "J");
  out += "</table></div>\n" + format("<p class='faint'>Medians of %d pairs in random order, after one run of each; ", c.runs) +
         format("calls in one run: %lld and %lld, moving %.1f and %.1f MB. Energy: ", static_cast<long long>(c.a.calls),
                static_cast<long long>(c.b.calls), static_cast<double>(c.a.bytes_moved) / 1e6,
                static_cast<double>(c.b.bytes_moved) / 1e6) +
         escaped(c.energy) + ".</p>\n";
  return out +
         "<div class='plots'><figure><figcaption>Time in the node: <span class='key-a'>a</span>, <span "
         "class='key-b'>b</span></figcaption>" +
         times_plot(c.a.node_wall_s, c.b.node_wall_s) + "</figure>\n<figure><figcaption>b / a, pair by pair</figcaption>" +
         ratio_plot(c.a.node_wall_s, c.b.node_wall_s, c.node_wall()) + "</figure></div>\n";
}

std::string error_row(const std::string& name, const ValueError& e) {
  return "<tr><td>" + name + "</td>" +
         format("<td>%lld</td><td>%.1f %%</td><td>%.3e</td><td>%.3e</td><td>%.6f</td><td>%lld</td></tr>\n",
                static_cast<long long>(e.values()),
                e.values() ? 100.0 * static_cast<double>(e.exact()) / static_cast<double>(e.values()) : 0.0, e.largest(),
                e.relative(), e.cosine(), static_cast<long long>(e.not_finite()));
}

std::string values(const Comparison& c) {
  std::string out = "<h2>Values at the node</h2>\n";
  if (c.errors.empty())
    return out + "<p class='faint'>Not compared" + (c.no_errors.empty() ? "" : ": " + escaped(c.no_errors)) + ".</p>\n";
  out +=
      "<p class='faint'>b was given the very inputs that a got in one run.</p>\n<div "
      "class='wide'><table><tr><th></th><th>values</th>"
      "<th>equal</th><th>largest |a − b|</th><th>|a − b| / |a|</th><th>cosine</th><th>NaN or Inf</th></tr>\n";
  if (c.errors.size() > 1) out += error_row("all", c.error());
  for (const auto& [node, e] : c.errors) out += error_row("<code>" + escaped(node) + "</code>", e);
  const ValueError all = c.error();
  const std::vector<double> counts(all.histogram().begin(), all.histogram().end());
  return out + "</table></div>\n<div class='plots'><figure><figcaption>Values that differ by so much</figcaption>" +
         histogram_plot(counts, ValueError::kLowest, static_cast<double>(all.exact())) + "</figure></div>\n";
}

std::string heard(const std::vector<Spoken>& words) {
  std::string out;
  for (const Spoken& w : words) out += (out.empty() ? "" : " ") + w.text;
  return escaped(out);
}

std::string transcript(const Comparison& c) {
  std::string out =
      "<h2>What is heard</h2>\n" + format("<p>%d of %d words differ (%.2f %%); %d of %d tokens flipped.</p>\n", c.word_edits,
                                          c.words, 100 * c.word_error_rate(), c.token_edits, c.tokens);
  if (c.word_edits > 0) out += "<div class='wide'><table><tr><th>input</th><th>at</th><th class='left'>a → b</th></tr>\n";
  for (size_t i = 0; i < c.flips.size(); ++i)
    for (const Flip& f : c.flips[i])
      out += "<tr><td>" + escaped(c.inputs[i]) + format("</td><td>%.1f s</td><td class='left'>… ", f.at) + escaped(f.before) +
             (f.a.empty() ? "" : " <del>" + escaped(f.a) + "</del>") + (f.b.empty() ? "" : " <ins>" + escaped(f.b) + "</ins>") +
             " " + escaped(f.after) + " …</td></tr>\n";
  if (c.word_edits > 0) out += "</table></div>\n";
  for (size_t i = 0; i < c.a.heard.size(); ++i) {
    out += "<details><summary><code>" + escaped(c.inputs[i]) + "</code></summary><p><b class='key-a'>a</b> " +
           heard(c.a.heard[i].words) + "</p>";
    out += "<p><b class='key-b'>b</b> " + heard(c.b.heard[i].words) + "</p></details>\n";
  }
  return out;
}

}  // namespace

std::string html(const Comparison& c) {
  std::string out = std::string(kHead) + "<title>" + escaped(c.pattern + ": " + c.a.candidate + " or " + c.b.candidate) +
                    "</title></head><body>\n";
  out += "<h1><code>" + escaped(c.pattern) + "</code>: <span class='key-a'>a</span> " + names(c.a.uses) +
         " or <span class='key-b'>b</span> " + names(c.b.uses) + "</h1>\n<p class='faint'>" +
         format("%zu nodes of ", c.nodes.size()) + "<code>" + escaped(c.graph) + "</code>, inputs " + names(c.inputs) +
         ", npurt " + version() + "</p>\n";
  for (const std::string& sentence : c.broken()) out += "<p class='broken'>" + escaped(sentence) + "</p>\n";
  return out + speed(c) + values(c) + transcript(c) + "</body></html>\n";
}

}  // namespace npurt::cli
