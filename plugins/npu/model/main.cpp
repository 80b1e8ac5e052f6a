// npurt-npu-model FILE: the cost model beside what others measured on hardware, calibration rows first, then rows that took no
// part in the fit. Prints two tables and their errors.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "../device.hpp"
#include "../virtual/cost.hpp"

namespace {

using namespace npurt_npu;

struct Row {
  std::string use, source, type;
  WholeArray product;
  double measured;  // microseconds
};

std::vector<Row> read(const char* file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(std::string("cannot read ") + file);
  std::vector<Row> rows;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#' || line.starts_with("use\t")) continue;
    std::istringstream words(line);
    Row r;
    WholeArray& w = r.product;
    if (!(words >> r.use >> r.source >> r.type >> w.M >> w.K >> w.N >> w.m >> w.k >> w.n >> r.measured) || r.measured <= 0 ||
        w.m * w.k * w.n == 0 || (r.type != "i8" && r.type != "bf16"))
      throw std::runtime_error(std::string(file) + ":" + std::to_string(number) +
                               ": wanted use, source, type, M, K, N, m, k, n, time");
    w.in_bytes = r.type == "i8" ? 1 : 2;
    w.out_bytes = 4;
    w.cycles = stock_cycles(w.m, w.k, w.n, w.in_bytes);
    w.cycles_to_clear = w.m * w.n * w.out_bytes / 32;
    w.packed_b = false;
    rows.push_back(r);
  }
  return rows;
}

void table(const std::vector<Row>& rows, const std::string& use) {
  const Generation& g = generation("npu1");
  std::printf("%s\n%-13s %-5s %-16s %-10s %10s %10s %7s\n", use.c_str(), "source", "type", "product", "tile", "measured",
              "modelled", "error");
  double sum = 0, most = 0;
  int count = 0;
  for (const Row& r : rows) {
    if (r.use != use) continue;
    const WholeArray& w = r.product;
    const double modelled = 1e6 * (dispatch_seconds(g, 1) + launch_seconds(g, whole_array_usage(g, w)));
    const double error = modelled / r.measured - 1;
    const std::string shape = std::to_string(w.M) + "x" + std::to_string(w.K) + "x" + std::to_string(w.N);
    const std::string tile = std::to_string(w.m) + "/" + std::to_string(w.k) + "/" + std::to_string(w.n);
    std::printf("%-13s %-5s %-16s %-10s %8.0fus %8.0fus %+6.0f%%\n", r.source.c_str(), r.type.c_str(), shape.c_str(),
                tile.c_str(), r.measured, modelled, 100 * error);
    sum += std::fabs(error);
    most = std::max(most, std::fabs(error));
    ++count;
  }
  if (count)
    std::printf("%s: %d rows, mean error %.1f %%, largest %.1f %%\n\n", use.c_str(), count, 100 * sum / count, 100 * most);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: npurt-npu-model tests/data/npu_measured.tsv\n");
    return 2;
  }
  try {
    const std::vector<Row> rows = read(argv[1]);
    table(rows, "calibration");
    table(rows, "held-out");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 3;
  }
}
