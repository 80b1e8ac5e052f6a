#include "work.hpp"

#include <cstdio>

namespace npurt {
namespace {

std::string number(double x, const char* unit) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", x, unit);
  return text;
}

// "encoder.blocks.0" of "encoder.blocks.0.fc1", or of itself if it was taken whole; a node of no block is one by itself.
std::string block_of(const Placement& p) {
  const std::string& id = p.node;
  if (!p.nodes.empty()) return id;
  const size_t dot = id.rfind('.');
  return dot == std::string::npos ? id : id.substr(0, dot);
}

bool same(const DeviceWork& a, const DeviceWork& b) {
  return a.launches == b.launches && a.read == b.read && a.written == b.written && a.converted == b.converted &&
         a.seconds == b.seconds;
}

}  // namespace

void DeviceWork::add(const DeviceWork& more) {
  seconds += more.seconds;
  modelled = modelled || more.modelled;
  launches += more.launches;
  read += more.read, written += more.written, converted += more.converted;
  if (conversions.empty()) conversions = more.conversions;
}

std::string work_text(const DeviceWork& w) {
  if (w.launches == 0) return "";
  std::string s = std::to_string(w.launches) + (w.launches == 1 ? " launch, " : " launches, ");
  s += number(static_cast<double>(w.read) / 1e6, "MB read, ") + number(static_cast<double>(w.written) / 1e6, "MB written, ") +
       number(static_cast<double>(w.converted) / 1e6, "MB converted by the host");
  if (w.seconds > 0) s += ", " + number(1e3 * w.seconds, w.modelled ? "ms modelled" : "ms");
  return s;
}

std::vector<std::string> device_notes(const std::vector<PlannedNode>& nodes) {
  struct Block {
    std::string device, first, last;
    DeviceWork work;
  };
  std::vector<Block> blocks;
  for (const PlannedNode& n : nodes) {
    if (n.work.launches == 0) continue;
    const std::string block = block_of(n.placement);
    if (blocks.empty() || blocks.back().last != block || blocks.back().device != n.placement.device)
      blocks.push_back({n.placement.device, block, block, {}});
    blocks.back().work.add(n.work);
  }
  std::vector<std::string> lines;
  DeviceWork all;
  for (size_t i = 0; i < blocks.size();) {
    size_t end = i;
    for (; end < blocks.size() && same(blocks[end].work, blocks[i].work) && blocks[end].device == blocks[i].device; ++end)
      all.add(blocks[end].work);
    const std::string which = end == i + 1 ? blocks[i].first : blocks[i].first + " to " + blocks[end - 1].last + ", each";
    lines.push_back(blocks[i].device + ": " + which + ": " + work_text(blocks[i].work));
    i = end;
  }
  if (lines.size() > 1) lines.push_back("all for one packet: " + work_text(all));
  return lines;
}

}  // namespace npurt
