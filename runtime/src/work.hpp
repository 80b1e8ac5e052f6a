// What devices do, in words and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <npurt/runtime.hpp>

namespace npurt {

// "5 launches, 12.3 MB read, 4.5 MB written, 6.0 MB converted by the host, 1.2 ms modelled"; "" for no work.
std::string work_text(const DeviceWork& work);

// Of a plan: a line for each block that gives work to a device, equal blocks in one, and one for all.
std::vector<std::string> device_notes(const std::vector<PlannedNode>& nodes);

// Adds launches, bytes and seconds to the object of a node, if there is work.
template <typename Json>
void put_work(Json& node, const DeviceWork& w) {
  if (w.launches) {
    node["launches"] = w.launches;
    node["read_bytes"] = w.read;
    node["written_bytes"] = w.written;
    node["converted_bytes"] = w.converted;
  }
  if (!w.conversions.empty()) node["conversions"] = w.conversions;
  if (w.seconds > 0) node[w.modelled ? "modelled_device_s" : "device_s"] = w.seconds;
}

}  // namespace npurt
