#include "result.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

namespace npurt::cli {

using Json = nlohmann::ordered_json;

namespace {

std::string number(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string padded(std::string text, size_t width) {
  text.append(width > text.size() ? width - text.size() : 0, ' ');
  return text;
}

// Placements that say the same about an op, as one line: encoder.blocks.0.qkv and its 15 sisters.
struct Row {
  std::string op, use, device, cause;
  int nodes = 0;
};

std::vector<Row> rows(const std::vector<Placement>& placement, const Footnotes& footnotes) {
  std::vector<Row> all;
  for (const Placement& p : placement) {
    const std::string cause = footnotes.cause(p);
    auto same = std::find_if(all.begin(), all.end(), [&](const Row& r) {
      return r.op == p.op && r.use == p.use && r.device == p.device && r.cause == cause;
    });
    if (same == all.end()) all.push_back({p.op, p.use, p.device, cause, 1});
    else ++same->nodes;
  }
  return all;
}

std::string speed(const Report& report) {
  std::string text = report.audio_s > 0 ? number(report.audio_s, 1) + " s audio in " : "done in ";
  text += number(report.wall_s, 2) + " s";
  if (report.audio_s > 0 && report.wall_s > 0) text += " (" + number(report.audio_s / report.wall_s, 0) + "x realtime)";
  return text + ", after " + number(report.plan_s, 2) + " s of loading";
}

}  // namespace

std::string summary(const std::string& name, const Report& report, bool with_table) {
  size_t op = 2, use = 3, device = 6;
  const Footnotes footnotes(report.placement);
  const std::vector<Row> table = rows(report.placement, footnotes);
  std::map<std::string, int> devices;
  bool first_choices = true;
  for (const Row& row : table) {
    op = std::max(op, row.op.size()), use = std::max(use, row.use.size()), device = std::max(device, row.device.size());
    devices[row.device] += row.nodes;
    first_choices = first_choices && row.cause.starts_with("first choice");
  }
  std::string text;
  if (with_table) text = padded("op", op) + "  nodes  " + padded("use", use) + "  " + padded("device", device) + "  cause\n";
  for (const Row& row : with_table ? table : std::vector<Row>{})
    text += padded(row.op, op) + "  " + padded(std::to_string(row.nodes), 5) + "  " + padded(row.use, use) + "  " +
            padded(row.device, device) + "  " + row.cause + "\n";
  if (with_table) text += footnotes.text();
  for (const std::string& fallback : report.fallbacks) text += "fallback: " + fallback + "\n";
  double modelled = 0;
  uint64_t launches = 0;
  for (const NodeTiming& n : report.nodes) {
    modelled += n.work.modelled ? n.work.seconds : 0;
    launches += n.work.modelled ? n.work.launches : 0;
  }
  if (modelled > 0)
    text += "the NPU is virtual; a real one would work for " + number(1e3 * modelled, 1) + " ms (modelled) in " +
            std::to_string(launches) + " launches\n";
  text += name + (report.cancelled ? "interrupted: " : "");
  text += speed(report) + "; ";
  if (first_choices) text += "every node on its first choice: ";
  std::string on;
  for (const auto& [name, nodes] : devices) on += (on.empty() ? "" : ", ") + std::to_string(nodes) + " on " + name;
  return text + on + "\n";
}

std::string with_placement(const std::string& transcript, const std::string& input, const std::string& origin,
                           const Report& report) {
  Json result = Json::parse(transcript, nullptr, false);
  if (!result.is_object()) return transcript;
  result["input"] = input;
  // The sink knows only where the last window ends; the source has read the file to its end.
  if (report.audio_s > 0 && !report.cancelled) result["duration"] = report.audio_s;
  result["origin"] = Json::parse(origin);
  Json nodes = Json::array();
  std::map<std::string, const char*> time;
  for (const NodeTiming& n : report.nodes) {
    time[n.node] = n.work.modelled ? "modelled" : "measured";
    nodes.push_back({{"node", n.node}, {"wall_s", n.wall_s}, {"cpu_s", n.cpu_s}, {"calls", n.calls}});
    const DeviceWork& w = n.work;
    if (w.launches)
      nodes.back().update(
          {{"launches", w.launches}, {"read_bytes", w.read}, {"written_bytes", w.written}, {"converted_bytes", w.converted}});
    if (w.seconds > 0) nodes.back()[w.modelled ? "modelled_device_s" : "device_s"] = w.seconds;
  }
  for (const Placement& p : report.placement) {
    result["placement"].push_back({{"node", p.node},
                                   {"op", p.op},
                                   {"use", p.use},
                                   {"device", p.device},
                                   {"cause", p.cause},
                                   {"time", time.contains(p.node) ? time[p.node] : "measured"}});
    if (!p.nodes.empty()) result["placement"].back()["takes"] = p.nodes;
  }
  result["timing"] = {{"time", "measured"},
                      {"wall_s", report.wall_s},
                      {"cpu_s", report.cpu_s},
                      {"plan_s", report.plan_s},
                      {"realtime_factor", report.wall_s > 0 ? report.audio_s / report.wall_s : 0},
                      {"nodes", nodes}};
  return result.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string run_report(const std::string& graph, const std::vector<std::pair<std::string, Report>>& runs) {
  Json all = {{"npurt", version()}, {"graph", graph}, {"runs", Json::array()}};
  for (const auto& [input, report] : runs) {
    Json run = {{"input", input}};
    run.update(Json::parse(report.json()));
    all["runs"].push_back(run);
  }
  return all.dump(1) + "\n";
}

}  // namespace npurt::cli
