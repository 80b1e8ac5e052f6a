// Energy of the processor packages or the board, where the kernel tells it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace npurt::cli {

class Energy {
 public:
  // Looks under `sys` for RAPL packages (class/powercap), else for energy counters of hwmon.
  explicit Energy(const std::filesystem::path& sys = "/sys");

  // "RAPL package-0", or why there is nothing to read.
  const std::string& source() const { return source_; }
  bool readable() const { return !counters_.empty(); }
  // Joules spent since the last call; nothing if not readable.
  std::optional<double> spent();

 private:
  struct Counter {
    std::filesystem::path file;
    double range;  // microjoules after which it starts again; 0 if it does not
    double last;
  };
  void add(const std::filesystem::path& file, double range, const std::string& name);

  std::vector<Counter> counters_;
  std::string source_;
};

}  // namespace npurt::cli
