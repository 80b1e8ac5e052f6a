// Stages for tests of the runtime: sums that are easy to check, with delays and faults on demand.
//   delay_us: a random time up to this is slept in each call (seeded, but no result may depend on it)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <npurt/plugin.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace npurt;

void dawdle(Host host) {
  static thread_local std::mt19937 chance(std::random_device{}());
  const auto most = static_cast<int>(host.number("delay_us", 0, 0, 1e7));
  if (most) std::this_thread::sleep_for(std::chrono::microseconds(std::uniform_int_distribution<int>(0, most)(chance)));
}

// Packets [10 i, 10 i + 1, …], `packets` of `size`.
struct Count {
  static constexpr auto op = "count", signature = "-> x f32[N]@split", device = "io";
  static void plan(Host host, Specs, Outs out) {
    out[0] = Spec(NPURT_F32, {static_cast<int64_t>(host.number("size", 3, 0, 1e6))});
  }
  explicit Count(Host) {}
  void run(Call& call) {
    if (call.index() == 0) next_ = 0;
    const auto packets = static_cast<int>(call.host().number("packets", 4, 0, 1e6));
    dawdle(call.host());
    if (packets == 0) return call.skip();
    auto x = call.out(0);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(10 * next_ + static_cast<int>(i));
    call.host().progress(++next_, packets);
    if (next_ < packets) call.again();
  }
  int next_ = 0;
};

// y = by * x. `fault_at`: the packet at which this device breaks; `refuse`: what plan says.
struct Scale {
  static constexpr auto op = "scale", signature = "x f32[N] -> y f32[N]", device = "cpu", kernel = "plain";
  static void plan(Host host, Specs in, Outs out) {
    host.number("by", 1, -1e6, 1e6);
    out[0] = in[0];
  }
  explicit Scale(Host host) : by_(static_cast<float>(host.number("by", 1, -1e6, 1e6))) {}
  void run(Call& call) {
    dawdle(call.host());
    auto in = call.in(0);
    auto y = call.out(0);
    if (y.size() != in.size()) y = call.resize(0, {static_cast<int64_t>(in.size())});
    for (size_t i = 0; i < in.size(); ++i) y[i] = by_ * in[i];
  }
  float by_;
};
struct DeviceScale : Scale {
  static constexpr auto device = "npu", kernel = "device", signature = "x f32[N<=100] -> y f32[N<=100]";
  static void plan(Host host, Specs in, Outs out) {
    if (host.has("refuse")) throw Refuse(host.option("refuse"));
    Scale::plan(host, in, out);
  }
  explicit DeviceScale(Host host) : Scale(host), fault_at_(static_cast<int64_t>(host.number("fault_at", -1, -1, 1e6))) {
    if (host.has("refuse_open")) throw Refuse(host.option("refuse_open"));
  }
  void run(Call& call) {
    if (call.index() == fault_at_) throw Fault("the device hangs at packet " + std::to_string(fault_at_));
    Scale::run(call);
  }
  int64_t fault_at_;
};
struct LateScale : Scale {
  static constexpr auto kernel = "late";
  explicit LateScale(Host host) : Scale(host), fault_at_(static_cast<int64_t>(host.number("late_fault_at", -1, -1, 1e6))) {}
  void run(Call& call) {
    if (call.index() == fault_at_) throw Fault("late is out of memory");
    Scale::run(call);
  }
  int64_t fault_at_;
};

// A block of two scales at once.
struct Quadruple : DeviceScale {
  static constexpr auto op = "quadruple", kernel = "whole", signature = "x f32[N] -> y f32[N]";
  explicit Quadruple(Host host) : DeviceScale(host) { by_ = 4; }
};

struct Add {
  static constexpr auto op = "add", signature = "a f32[N], b f32[N] -> y f32[N]", device = "cpu";
  static void plan(Host, Specs in, Outs out) { out[0] = in[0]; }
  explicit Add(Host) {}
  void run(Call& call) {
    dawdle(call.host());
    auto y = call.out(0);
    for (size_t i = 0; i < y.size(); ++i) y[i] = call.in(0)[i] + call.in(1)[i];
  }
};

// The sum of a whole file.
struct Total {
  static constexpr auto op = "total", signature = "x f32[N] -> sum f32[1]@stream", device = "cpu";
  static constexpr bool stream = true;
  static void plan(Host, Specs, Outs out) { out[0] = Spec(NPURT_F32, {1}); }
  explicit Total(Host) {}
  void run(Call& call) {
    if (call.index() == 0) sum_ = 0;
    for (float x : call.in(0)) sum_ += x;
    if (call.end()) call.out(0)[0] = sum_;
  }
  float sum_ = 0;
};

// Each packet beside the total of all.
struct Share {
  static constexpr auto op = "share", signature = "x f32[N], total f32[1]@stream -> y f32[N]", device = "io";
  static void plan(Host, Specs in, Outs out) { out[0] = in[0]; }
  explicit Share(Host) {}
  void run(Call& call) {
    auto y = call.out(0);
    for (size_t i = 0; i < y.size(); ++i) y[i] = call.in(0)[i] / call.in(1)[0];
  }
};

// Pieces of `length` samples cut from what has come so far, with where they begin; the rest at the end.
struct Cut {
  static constexpr auto op = "cut", signature = "x f32[N] -> part f32[L]@split, at json@split", device = "cpu";
  static constexpr bool stream = true;
  static void plan(Host, Specs, Outs out) { out[0] = Spec(NPURT_F32, {NPURT_UNKNOWN}); }
  explicit Cut(Host host) : length_(static_cast<size_t>(host.number("length", 5, 1, 1e6))) {}
  void run(Call& call) {
    if (call.index() == 0 && !more_) kept_.clear(), at_ = 0;
    if (!more_) kept_.insert(kept_.end(), call.in(0).begin(), call.in(0).end());
    const size_t n = call.end() ? std::min(length_, kept_.size()) : length_;
    more_ = false;
    if (kept_.size() < n || n == 0) return call.skip();
    auto part = call.resize(0, {static_cast<int64_t>(n)});
    std::copy_n(kept_.begin(), n, part.begin());
    call.put_text(1, std::to_string(at_));
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(n));
    at_ += n;
    more_ = call.end() ? !kept_.empty() : kept_.size() >= length_;
    if (more_) call.again();
  }
  size_t length_, at_ = 0;
  bool more_ = false;
  std::vector<float> kept_;
};

// y = what the graph in option `graph` makes of x.
struct Through {
  static constexpr auto op = "through", signature = "x f32[N] -> y f32[N]", device = "cpu";
  static void plan(Host, Specs in, Outs out) { out[0] = in[0]; }
  Through(Host host, Specs in) : graph_(host.inner("graph", in)) {}
  void run(Call& call) {
    npurt_tensor x = Host::blank(), y = Host::blank();
    x.spec = call.in_spec(0);
    x.data = const_cast<float*>(call.in(0).data());
    x.bytes = call.in(0).size_bytes();
    run_inner(graph_, {&x, 1}, {&y, 1});
    std::memcpy(call.out(0).data(), y.data, y.bytes);
  }
  const npurt_inner* graph_;
};

// Appends each packet to the file `path` as a line, and "end".
struct Write {
  static constexpr auto op = "write", signature = "x f32[N], at? json ->", device = "io";
  static constexpr bool stream = true;
  static void plan(Host, Specs, Outs) {}
  explicit Write(Host) {}
  void run(Call& call) {
    dawdle(call.host());
    std::FILE* out = std::fopen(call.host().option("path").c_str(), call.index() == 0 && !call.end() ? "w" : "a");
    if (!out) throw BadConfig(call.host().option("path") + ": cannot be written");
    std::string line(call.text(1));
    if (!line.empty()) line += ":";
    for (float x : call.in(0)) line += (line.empty() || line.back() == ':' ? "" : " ") + std::to_string(x).substr(0, 7);
    std::fprintf(out, "%s\n", call.end() ? "end" : line.c_str());
    std::fclose(out);
  }
};

// Runs until it is told to stop.
struct Forever {
  static constexpr auto op = "forever", signature = "x f32[N] -> y f32[N]", device = "npu";
  static void plan(Host, Specs in, Outs out) { out[0] = in[0]; }
  explicit Forever(Host) {}
  void run(Call& call) {
    while (!call.host().cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    throw Cancelled();
  }
};

}  // namespace

NPURT_PLUGIN("toy", "1.0.0", Count, Scale, DeviceScale, LateScale, Add, Total, Share, Cut, Through, Write, Forever, Quadruple)
