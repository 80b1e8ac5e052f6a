// A device that breaks while running: the same packet goes to the next candidate, and the report says so.
#include <npurt/runtime.hpp>

#include "catch.hpp"
#include "toys.hpp"

using namespace npurt;
using namespace npurt_test;

namespace {

std::string chain(const std::string& use, const std::string& with) {
  return "  n: {op: count, use: toy, with: {packets: 6, size: 1}}\n"
         "  s: {op: scale, in: n, use: [" +
         use + "], with: {by: 2, " + with +
         "}}\n"
         "  out: {op: write, in: s, use: toy, with: {path: $output}}\n";
}
const char* kWhole = "0.00000\n20.0000\n40.0000\n60.0000\n80.0000\n100.000\nend\n";

}  // namespace

TEST_CASE("the next candidate replays the packet, also on a lane that had no node yet") {
  Toys toys;
  set_log_level("off");
  Plan plan = toys.plan(chain("'toy:device', 'toy:plain'", "fault_at: 2"));
  const Report r = toys.run(plan);
  CHECK(toys.written() == kWhole);
  CHECK(r.fallbacks == std::vector<std::string>{"s: toy:device failed (the device hangs at packet 2); toy:plain took over"});
  REQUIRE(r.placement.size() == 3);
  const Placement& s = r.placement[1];
  CHECK(s.use == "toy:plain");
  CHECK(s.device == "cpu");
  CHECK(s.cause == "after fault: toy:device: the device hangs at packet 2");
  REQUIRE(s.refused.size() == 1);
  CHECK(s.refused[0].reason == "fault while running: the device hangs at packet 2");

  // The next input stays where the node went, and has nothing to tell.
  const Report next = toys.run(plan);
  CHECK(toys.written() == kWhole);
  CHECK(next.fallbacks.empty());
  CHECK(next.placement[1].use == "toy:plain");
}

TEST_CASE("a second fault is answered by the third candidate; one that refuses is passed over") {
  Toys toys;
  set_log_level("off");
  Plan plan = toys.plan(chain("'toy:device', broken, 'toy:late', 'toy:plain'", "fault_at: 1, late_fault_at: 4"));
  const Report r = toys.run(plan);
  CHECK(toys.written() == kWhole);
  CHECK(r.fallbacks.size() == 2);
  CHECK(r.placement[1].cause == "after fault: toy:late: late is out of memory");
  CHECK(r.placement[1].refused.size() == 3);
}

TEST_CASE("with no candidate left the run fails with exit code 5 and says what was tried") {
  Toys toys;
  set_log_level("off");
  Plan plan = toys.plan(chain("'toy:device', 'toy:late'", "fault_at: 1, late_fault_at: 1"));
  const Error e = error_of([&] { toys.run(plan); });
  CHECK(e.code == Exit::device);
  REQUIRE(e.diagnostics.size() == 1);
  CHECK(e.diagnostics[0].message == "node 's' (op scale, toy:late) failed, and no candidate is left: late is out of memory");
  CHECK(e.diagnostics[0].place.line == 5);
  const auto& tried = e.diagnostics[0].details;
  REQUIRE(tried.size() == 2);
  CHECK(tried[0].first == "tried toy:device");
  CHECK(tried[0].second == "fault while running: the device hangs at packet 1");
}

TEST_CASE("the options --strict and --require forbid to leave a device that breaks") {
  Toys toys;
  set_log_level("off");
  SECTION("--strict") { toys.plan_options.strict = true; }
  SECTION("--require") { toys.plan_options.require = {{"s", "npu"}}; }
  Plan plan = toys.plan(chain("'toy:device', 'toy:plain'", "fault_at: 3"));
  CHECK(error_of([&] { toys.run(plan); }).code == Exit::device);
  CHECK(std::string("0.00000\n20.0000\n40.0000\n").starts_with(toys.written()));  // and nothing of the packet that failed
}

TEST_CASE("a fault inside an inner graph falls back there") {
  Toys toys;
  set_log_level("off");
  toys.folder.write(
      "inner.yaml",
      "npurt: 1\nname: inner\ninputs: {x: 'f32[N]'}\nnodes:\n"
      "  s: {op: scale, in: in.x, use: ['toy:device', 'toy:plain'], with: {by: 2, fault_at: 0}}\noutputs: {y: s}\n");
  const std::string nodes =
      "  n: {op: count, use: toy, with: {packets: 6, size: 1}}\n"
      "  t: {op: through, in: n, use: toy, with: {graph: inner.yaml}}\n"
      "  out: {op: write, in: t, use: toy, with: {path: $output}}\n";
  Plan plan = toys.plan(nodes);
  const Report r = toys.run(plan);
  CHECK(toys.written() == kWhole);
  CHECK(r.fallbacks == std::vector<std::string>{"t.s: toy:device failed (the device hangs at packet 0); toy:plain took over"});

  Toys strict;
  strict.folder.write("inner.yaml", read(toys.folder.path() / "inner.yaml"));
  strict.plan_options.strict = true;
  Plan kept = strict.plan(nodes);
  const Error e = error_of([&] { strict.run(kept); });
  CHECK(e.code == Exit::device);
  CHECK(std::string(e.what()).find("the device hangs at packet 0") != std::string::npos);
}
