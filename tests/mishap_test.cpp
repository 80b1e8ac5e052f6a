// Stages that break the rules: each is one sentence, with the exit code of whose fault it is.
#include <npurt/runtime.hpp>

#include "catch.hpp"
#include "toys.hpp"

using namespace npurt;
using namespace npurt_test;

namespace {

// The exit code and the message of a graph with one stage that does `how`, or what it wrote.
std::string outcome(const std::string& how, bool check_calls = false) {
  Toys toys;
  toys.plan_options.check_calls = check_calls;
  set_log_level("off");
  try {
    return toys.run(
        "  n: {op: count, use: toy, with: {packets: 2, size: 2}}\n"
        "  m: {op: mishap, in: n, use: broken, with: {how: '" +
        how +
        "'}}\n"
        "  out: {op: write, in: m, use: toy, with: {path: $output}}\n");
  } catch (const Error& e) {
    REQUIRE(e.diagnostics.size() == 1);
    return std::to_string(static_cast<int>(e.code)) + " " + e.diagnostics[0].message;
  }
}

}  // namespace

TEST_CASE("a stage that keeps the rules") { CHECK(outcome("none", true) == "0.00000 0.00000\n0.00000 0.00000\nend\n"); }

TEST_CASE("exceptions stop in the wrapper and blame the plugin") {
  CHECK(outcome("throw in plan") == "4 plugin broken is broken: plan threw this");
  CHECK(outcome("throw in open") == "4 plugin broken is broken: open threw this");
  CHECK(outcome("throw in run") == "4 plugin broken is broken: run threw this");
  CHECK(outcome("throw a number") == "4 plugin broken is broken: threw something that is not a std::exception");
  CHECK(outcome("bug in run") == "4 plugin broken is broken: an index went astray");
}

TEST_CASE("a plan that its signature or the host does not allow") {
  CHECK(outcome("plan another dtype") ==
        "4 plugin broken is broken: planned an output that its signature does not allow: wanted y f32[N], got i8[2]: i8 is not "
        "f32");
  CHECK(outcome("plan another shape") ==
        "4 plugin broken is broken: planned an output that its signature does not allow: wanted y f32[N], got f32[3]: N=3, but N "
        "is "
        "2 elsewhere");
}

TEST_CASE("bad options and bad input are the user's") {
  CHECK(outcome("bad option") == "3 node 'm' (op mishap): option 'how' is 'bad option'; wanted a mishap");
  CHECK(outcome("bad input in run") == "3 talk.wav: is no sound");
}

TEST_CASE("codes that only another moment allows") {
  CHECK(outcome("refuse in run") ==
        "4 plugin broken is broken: refused a packet while running, where only planning may refuse: too late");
  CHECK(outcome("cancelled in run") == "4 plugin broken is broken: says that it was cancelled, but nobody asked");
  CHECK(outcome("unknown code") == "4 plugin broken is broken: returned the unknown code 77");
  CHECK(outcome("no sentence") == "5 node 'm' (op mishap, broken) failed, and no candidate is left: gave no reason");
}

TEST_CASE("no memory makes a candidate refuse, or is a fault while running") {
  CHECK(outcome("no memory") == "4 no candidate accepts node 'm' (op mishap)");
  CHECK(
      outcome("ask too much") ==
      "5 node 'm' (op mishap, broken) failed, and no candidate is left: out of memory for 4611686018427387904 bytes of scratch");
}

TEST_CASE("packets that do not match one to one") {
  CHECK(outcome("skip") == "4 plugin broken is broken: skipped a packet, which only an output marked @split allows");
  CHECK(outcome("again") == "4 plugin broken is broken: asked for more calls, which only an output marked @split allows");
}

TEST_CASE("outputs without a shape, or with another one than planned") {
  CHECK(outcome("leave no shape") == "4 plugin broken is broken: left output y without a shape");
  CHECK(outcome("resize a planned output") ==
        "4 plugin broken is broken: resized output 0 to f32[9999]; it was planned as f32[2]");
  CHECK(outcome("resize no output") == "4 plugin broken is broken: resized an output that it does not have");
}

TEST_CASE("with checks on, numbers and shapes are looked at in every call") {
  CHECK(outcome("write NaN", true) == "4 plugin broken is broken: wrote NaN or Inf into output y f32[2]");
  CHECK(outcome("write Inf", true) == "4 plugin broken is broken: wrote NaN or Inf into output y f32[2]");
  CHECK(outcome("resize too small", true) ==
        "4 plugin broken is broken: broke its contract: wanted y f32[N], got f32[1]: N=1, but N is 2 elsewhere");
#ifdef NDEBUG
  CHECK(outcome("write NaN").starts_with("nan"));
#else
  CHECK(outcome("write NaN").starts_with("4 "));  // a debug build always looks
#endif
}

TEST_CASE("with checks on, a packet that a stage does not promise to take is refused") {
  Toys toys;
  toys.plan_options.check_calls = true;
  set_log_level("off");
  // The cuts' length is unknown when the plan is made; toy:device takes 100 at most.
  const Error e = error_of([&] {
    toys.run(
        "  n: {op: count, use: toy, with: {packets: 2, size: 101}}\n"
        "  c: {op: cut, in: n, use: toy, with: {length: 150}}\n"
        "  s: {op: scale, in: c.part, use: 'toy:device'}\n"
        "  out: {op: write, in: s, use: toy, with: {path: $output}}\n");
  });
  CHECK(e.code == Exit::input);
  CHECK(e.diagnostics[0].message ==
        "this stage cannot take the packet: wanted x f32[N<=100], got f32[150]: N=150 is more than 100");
}
