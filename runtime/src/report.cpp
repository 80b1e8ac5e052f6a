#include <nlohmann/json.hpp>
#include <npurt/runtime.hpp>

#include "work.hpp"

namespace npurt {

std::string Report::json() const {
  using nlohmann::json;
  json j = {{"cancelled", cancelled}, {"placement", json::array()}, {"fallbacks", fallbacks}};
  for (const Placement& p : placement) {
    json row = {{"node", p.node},     {"op", p.op},       {"use", p.use},
                {"device", p.device}, {"cause", p.cause}, {"refused", json::array()}};
    if (!p.nodes.empty()) row["takes"] = p.nodes;
    for (const Refusal& r : p.refused) row["refused"].push_back({{"candidate", r.candidate}, {"reason", r.reason}});
    j["placement"].push_back(row);
  }
  json rows = json::array();
  for (const NodeTiming& n : nodes) {
    rows.push_back({{"node", n.node}, {"wall_s", n.wall_s}, {"cpu_s", n.cpu_s}, {"calls", n.calls}});
    put_work(rows.back(), n.work);
  }
  j["timing"] = {{"wall_s", wall_s},   {"cpu_s", cpu_s},           {"plan_s", plan_s},
                 {"audio_s", audio_s}, {"overhead_s", overhead_s}, {"realtime_factor", wall_s > 0 ? audio_s / wall_s : 0.0},
                 {"nodes", rows}};
  return j.dump(2, ' ', false, json::error_handler_t::replace);
}

}  // namespace npurt
