// Candidates for layer_norm that differ as tests of comparisons and traces need it: the same numbers at the same speed, 3 %
// slower, zeros (without and with a test of itself), a small error, a fault in the first call.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <npurt/plugin.hpp>
#include <vector>

namespace {

using namespace npurt;
using std::chrono::steady_clock;

struct Plain {
  static constexpr auto op = "layer_norm", signature = "x f32[T,D] -> y f32[T,D]", device = "cpu", kernel = "plain";
  static void plan(Host, Specs in, Outs out) { out[0] = in[0]; }
  explicit Plain(Host host) : weight(host.weight<float>(host.option("weight"))), bias(host.weight<float>(host.option("bias"))) {}
  virtual ~Plain() = default;
  void run(Call& call) { compute(call.in(0), call.out(0), static_cast<size_t>(call.in_spec(0).dims[1])); }
  virtual void compute(std::span<const float> x, std::span<float> y, size_t width) const {
    for (size_t row = 0; row < x.size(); row += width) {
      double sum = 0, squares = 0;
      for (size_t i = 0; i < width; ++i) sum += x[row + i], squares += static_cast<double>(x[row + i]) * x[row + i];
      const double n = static_cast<double>(width), mean = sum / n, scale = 1 / std::sqrt(squares / n - mean * mean + 1e-5);
      for (size_t i = 0; i < width; ++i)
        y[row + i] = static_cast<float>((x[row + i] - mean) * scale) * weight.data[i] + bias.data[i];
    }
  }
  Weight<float> weight, bias;
};

struct Slow : Plain {
  static constexpr auto kernel = "slow";
  using Plain::Plain;
  void run(Call& call) {
    const auto begin = steady_clock::now();
    Plain::run(call);
    const auto end = begin + (steady_clock::now() - begin) * 103 / 100;
    while (steady_clock::now() < end) {
    }
  }
};

struct Zeros : Plain {
  static constexpr auto kernel = "zeros";
  using Plain::Plain;
  void compute(std::span<const float>, std::span<float> y, size_t) const override { std::fill(y.begin(), y.end(), 0.0F); }
};

struct Tested : Zeros {
  static constexpr auto kernel = "tested";
  explicit Tested(Host host) : Zeros(host) {
    std::vector<float> x(static_cast<size_t>(weight.rows), 0), y(x.size()), right(x.size());
    x[0] = 1;
    compute(x, y, x.size());
    Plain::compute(x, right, x.size());
    if (std::abs(y[0] - right[0]) > 1e-3F)
      throw Refuse("self-test: gives " + std::to_string(y[0]) + " where " + std::to_string(right[0]) + " is right");
  }
};

struct Off : Plain {
  static constexpr auto kernel = "off";
  using Plain::Plain;
  void run(Call& call) {
    Plain::run(call);
    for (float& y : call.out(0)) y += 0.5F;
  }
};

struct Faulty : Plain {
  static constexpr auto kernel = "faulty";
  explicit Faulty(Host host) : Plain(host) { host.info("opened"); }
  void run(Call& call) {
    call.host().warn("about to fail");
    throw Fault("the device hangs");
  }
};

struct Choosy : Plain {
  static constexpr auto kernel = "choosy";
  using Plain::Plain;
  static void plan(Host, Specs, Outs) { throw Refuse("wants a device that is not here"); }
};

}  // namespace

NPURT_PLUGIN("norm", "1.0.0", Plain, Slow, Zeros, Tested, Off, Faulty, Choosy)
