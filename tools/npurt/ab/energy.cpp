#include "energy.hpp"

#include <algorithm>
#include <fstream>

namespace npurt::cli {

namespace fs = std::filesystem;

namespace {

std::optional<double> number(const fs::path& file) {
  std::ifstream in(file);
  double x = 0;
  if (in >> x) return x;
  return {};
}

std::string line(const fs::path& file) {
  std::ifstream in(file);
  std::string s;
  std::getline(in, s);
  return s;
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> all;
  std::error_code none;
  for (const auto& e : fs::directory_iterator(folder, none)) all.push_back(e.path());
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

Energy::Energy(const fs::path& sys) {
  bool locked = false;
  for (const fs::path& zone : entries(sys / "class/powercap")) {
    const std::string name = line(zone / "name");
    if (!name.starts_with("package")) continue;
    add(zone / "energy_uj", number(zone / "max_energy_range_uj").value_or(0), "RAPL " + name);
    locked = locked || !number(zone / "energy_uj");
  }
  if (counters_.empty())
    for (const fs::path& chip : entries(sys / "class/hwmon"))
      for (const fs::path& file : entries(chip))
        if (const std::string f = file.filename().string(); f.starts_with("energy") && f.ends_with("_input"))
          add(file, 0, "hwmon " + line(chip / "name"));
  if (counters_.empty())
    source_ =
        locked ? "not readable: RAPL counters are for root only" : "not readable: this machine shows no RAPL and no hwmon energy";
}

void Energy::add(const fs::path& file, double range, const std::string& name) {
  const auto now = number(file);
  if (!now) return;
  counters_.push_back({file, range, *now});
  if (source_.find(name) == std::string::npos) source_ += (source_.empty() ? "" : ", ") + name;
}

std::optional<double> Energy::spent() {
  if (counters_.empty()) return {};
  double microjoules = 0;
  for (Counter& c : counters_) {
    const double now = number(c.file).value_or(c.last);
    microjoules += now >= c.last ? now - c.last : now + c.range - c.last;
    c.last = now;
  }
  return microjoules / 1e6;
}

}  // namespace npurt::cli
