// npurt-npu-model FILE: the cost model beside what others measured on hardware, calibration rows first, then rows that took no
// part in the fit. Prints two tables and their errors, then what whole encoders would take.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "../attention/design.hpp"
#include "../device.hpp"
#include "../gemm.hpp"
#include "../layer/design.hpp"
#include "../virtual/cost.hpp"
#include "../virtual/traffic.hpp"

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

// A layer taken whole: one list, dispatched once.
double whole_layer(const Generation& g, uint64_t width) {
  const LayerShape s{1500, width, width / 64};
  const LayerPlaces at(s);
  std::vector<LayerLaunch> launches{norm_launch(g, s, at.x, at.n), attend_launch(g, s, at.qkv, at.y),
                                    norm_launch(g, s, at.sum, at.m)};
  for (const LayerProduct& p : layer_products(s)) launches.push_back(product_launch(g, s, p));
  double sum = dispatch_seconds(g, launches.size());
  for (const LayerLaunch& l : launches) {
    Usage u = traffic(g, l.stream);
    u.core_cycles = l.core_cycles;
    sum += launch_seconds(g, u);
  }
  return sum;
}

// A whole encoder's matrix products and attention, as npurt launches them, and its layers taken whole, which is all that they do;
// beside whisper-xdna's whole encoder (NPU and host together, bf16, serving).
void encoders() {
  const Generation& g = generation("npu1");
  struct Encoder {
    const char* name;
    uint64_t layers, width;
    const char* measured;
  };
  std::printf(
      "encoder over 1500 frames, modelled: matmul and attention alone, and layers whole\n%-15s %8s %10s %10s %10s %12s %14s\n",
      "model", "launches", "read", "i8", "bf16", "whole bf16", "whisper-xdna");
  for (const Encoder& e : {Encoder{"tiny", 4, 384, "484ms"},
                           {"base", 6, 512, "-"},
                           {"small", 12, 768, "1507ms"},
                           {"large-v3-turbo", 32, 1280, "3346ms"}}) {
    double seconds[2] = {}, read = 0;
    for (const GemmTile* t : {&gemm_i8(), &gemm_bf16()}) {
      double& sum = seconds[t == &gemm_bf16()];
      auto add = [&](const Usage& u) {
        sum += launch_seconds(g, u) + dispatch_seconds(g, 1);
        if (t == &gemm_i8()) read += static_cast<double>(u.read);
      };
      for (const auto& [k, n] :
           {std::pair{e.width, 3 * e.width}, {e.width, e.width}, {e.width, 4 * e.width}, {4 * e.width, e.width}}) {
        const GemmShape p = padded(g, *t, {1500, k, n});
        add(gemm_usage(g, *t, p));
      }
      add(attention_usage(g, {e.width / 64, 1500}));
      sum = static_cast<double>(e.layers) * (sum + 2e-6 * g.switch_us);  // into the attention design and back
    }
    std::printf("%-15s %8llu %8.0fMB %8.0fms %8.0fms %10.0fms %14s\n", e.name, static_cast<unsigned long long>(5 * e.layers),
                static_cast<double>(e.layers) * read / 1e6, 1e3 * seconds[0], 1e3 * seconds[1],
                1e3 * static_cast<double>(e.layers) * whole_layer(g, e.width), e.measured);
  }
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
    encoders();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 3;
  }
}
