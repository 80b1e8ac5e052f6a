// Candidates for layer_norm that differ as tests of comparisons and traces need it: the same numbers at the same speed, 3 %
// slower, zeros, a small error, a fault in the first call.
#include <chrono>
#include <cmath>
#include <npurt/plugin.hpp>

namespace {

using namespace npurt;
using std::chrono::steady_clock;

struct Plain {
  static constexpr auto op = "layer_norm", signature = "x f32[T,D] -> y f32[T,D]", device = "cpu", kernel = "plain";
  static void plan(Host, Specs in, Outs out) { out[0] = in[0]; }
  explicit Plain(Host host) : weight(host.weight<float>(host.option("weight"))), bias(host.weight<float>(host.option("bias"))) {}
  void run(Call& call) {
    const auto x = call.in(0);
    auto y = call.out(0);
    const size_t width = static_cast<size_t>(call.in_spec(0).dims[1]);
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
  void run(Call& call) {
    for (float& y : call.out(0)) y = 0;
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

NPURT_PLUGIN("norm", "1.0.0", Plain, Slow, Zeros, Off, Faulty, Choosy)
