// One op, `mishap`, whose stage breaks the rule that option `how` names.
#include <limits>
#include <npurt/plugin.hpp>
#include <string>

namespace {

using namespace npurt;

struct Mishap {
  static constexpr auto op = "mishap", signature = "x f32[N] -> y f32[N]", device = "cpu";
  static bool is(Host host, const char* what) { return host.option("how", "") == what; }

  static void plan(Host host, Specs in, Outs out) {
    out[0] = in[0];
    if (is(host, "throw in plan")) throw std::runtime_error("plan threw this");
    if (is(host, "throw a number")) throw 42;
    if (is(host, "plan another dtype")) out[0].dtype = NPURT_I8;
    if (is(host, "plan another shape")) out[0].dims[0] += 1;
    if (is(host, "bad option")) throw BadConfig("option 'how' is 'bad option'; wanted a mishap");
    if (is(host, "resize too small") || is(host, "leave no shape")) out[0].dims[0] = NPURT_UNKNOWN;
  }
  explicit Mishap(Host host) {
    if (is(host, "throw in open")) throw std::runtime_error("open threw this");
    if (is(host, "no memory")) throw std::bad_alloc();
  }
  void run(Call& call) {
    Host host = call.host();
    for (float& y : call.out(0)) y = 0;
    if (is(host, "throw in run")) throw std::runtime_error("run threw this");
    if (is(host, "refuse in run")) throw Refuse("too late");
    if (is(host, "bug in run")) throw Bug("an index went astray");
    if (is(host, "bad input in run")) throw BadConfig("talk.wav: is no sound");
    if (is(host, "cancelled in run")) throw Cancelled();
    if (is(host, "no sentence")) throw Stop(NPURT_FAULT, "");
    if (is(host, "unknown code")) throw Stop(static_cast<npurt_code>(77), "odd");
    if (is(host, "write NaN")) call.out(0)[0] = std::numeric_limits<float>::quiet_NaN();
    if (is(host, "write Inf")) call.out(0)[0] = std::numeric_limits<float>::infinity();
    if (is(host, "skip")) call.skip();
    if (is(host, "again")) call.again();
    if (is(host, "resize too small")) call.resize(0, {static_cast<int64_t>(call.in(0).size()) - 1});
    if (is(host, "resize a planned output")) call.resize(0, {9999});
    if (is(host, "resize no output")) call.resize(5, {1});
    if (is(host, "ask too much")) host.scratch<char>(size_t{1} << 62);
  }
};

}  // namespace

NPURT_PLUGIN("broken", "1.0.0", Mishap)
