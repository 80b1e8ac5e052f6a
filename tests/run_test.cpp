// Lanes, edges, joins, calls without packets, and what a report tells.
#include <atomic>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <npurt/runtime.hpp>
#include <thread>

#include "catch.hpp"
#include "toys.hpp"

using namespace npurt;
using namespace npurt_test;

TEST_CASE("packets keep their order and come to the end") {
  Toys toys;
  CHECK(toys.run("  n: {op: count, use: toy, with: {packets: 3, size: 2}}\n"
                 "  s: {op: scale, in: n, use: 'toy:plain', with: {by: 2}}\n"
                 "  out: {op: write, in: s, use: toy, with: {path: $output}}\n") ==
        "0.00000 2.00000\n20.0000 22.0000\n40.0000 42.0000\nend\n");
}

TEST_CASE("a source that skips its only call gives an empty file") {
  Toys toys;
  CHECK(toys.run("  n: {op: count, use: toy, with: {packets: 0}}\n"
                 "  out: {op: write, in: n, use: toy, with: {path: $output}}\n") == "end\n");
}

TEST_CASE("joins match by index, however slow either way is") {
  const std::string nodes =
      "  n:   {op: count, use: toy, with: {packets: 40, size: 2, delay_us: 300}}\n"
      "  a:   {op: scale, in: n, use: 'toy:device', with: {by: 3, delay_us: 900}}\n"
      "  b:   {op: scale, in: n, use: 'toy:plain', with: {by: -1, delay_us: 200}}\n"
      "  b2:  {op: scale, in: b, use: 'toy:plain', with: {by: 1, delay_us: 300}}\n"
      "  sum: {op: add, in: {a: a.y, b: b2.y}, use: toy}\n"
      "  out: {op: write, in: sum, use: toy, with: {path: $output, delay_us: 300}}\n";
  std::string wanted;
  for (int i = 0; i < 40; ++i)
    wanted += std::to_string(20.0 * i).substr(0, 7) + " " + std::to_string(20.0 * i + 2).substr(0, 7) + "\n";
  Toys toys;
  Plan plan = toys.plan(nodes);
  for (int round = 0; round < 5; ++round) {
    toys.run(plan);
    CHECK(toys.written() == wanted + "end\n");
  }
}

TEST_CASE("a full edge stops its producer") {
  Toys toys;
  // The sink takes long, so a source without bounds would be 50 packets ahead when the first is written.
  std::string text =
      "  n:   {op: count, use: toy, with: {packets: 50}}\n"
      "  s:   {op: scale, in: n, use: 'toy:plain', with: {delay_us: 4000}}\n"
      "  out: {op: write, in: s, use: toy, with: {path: $output}}\n";
  const auto file = toys.folder.write("edge.yaml", "npurt: 1\nname: edge\nqueue: 3\nnodes:\n" + text);
  Plan plan = make_plan(load_graph(file), toys.catalog);
  int most = 0;
  toys.run_options.progress = [&](const std::string& node, double done, double) {
    const std::string so_far = toys.written();
    if (node == "n")
      most = std::max(most, static_cast<int>(done) - static_cast<int>(std::count(so_far.begin(), so_far.end(), '\n')));
  };
  toys.run(plan);
  // Three on each edge, one in each stage's hands, one not yet counted.
  CHECK(most <= 9);
  CHECK(most >= 3);
}

TEST_CASE("cutting anew: again gives more than one packet, skip none, the end gives the rest") {
  Toys toys;
  CHECK(toys.run("  n: {op: count, use: toy, with: {packets: 3, size: 3}}\n"
                 "  c: {op: cut, in: n, use: toy, with: {length: 2}}\n"
                 "  s: {op: scale, in: c.part, use: 'toy:plain'}\n"
                 "  out: {op: write, in: {x: s.y, at: c.at}, use: toy, with: {path: $output}}\n") ==
        "0:0.00000 1.00000\n2:2.00000 10.0000\n4:11.0000 12.0000\n6:20.0000 21.0000\n8:22.0000\nend\n");
}

TEST_CASE("an output for the whole file comes after its last packet, and joins every packet") {
  Toys toys;
  const std::string nodes =
      "  n:     {op: count, use: toy, with: {packets: 20, size: 1}}\n"
      "  s:     {op: scale, in: n, use: 'toy:plain', with: {by: 0.1, delay_us: 200}}\n"
      "  total: {op: total, in: s, use: toy}\n"
      "  share: {op: share, in: {x: n.x, total: total.sum}, use: toy}\n"
      "  out:   {op: write, in: share, use: toy, with: {path: $output}}\n";
  const std::string text = toys.run(nodes);  // total is 190
  CHECK(text.starts_with("0.00000\n0.05263\n0.10526\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 21);
}

TEST_CASE("a node that reads nothing but an output for the whole file is called once") {
  Toys toys;
  CHECK(toys.run("  n: {op: count, use: toy, with: {packets: 4, size: 1}}\n"
                 "  t: {op: total, in: n, use: toy}\n"
                 "  s: {op: scale, in: t, use: 'toy:plain', with: {by: 2}}\n"
                 "  out: {op: write, in: s, use: toy, with: {path: $output}}\n") == "120.000\nend\n");
}

TEST_CASE("one plan runs many inputs, each from its beginning") {
  Toys toys;
  Plan plan = toys.plan(
      "  n: {op: count, use: toy, with: {packets: 3, size: 3}}\n"
      "  c: {op: cut, in: n, use: toy, with: {length: 4}}\n"
      "  t: {op: total, in: c.part, use: toy}\n"
      "  out: {op: write, in: t, use: toy, with: {path: $output}}\n");
  for (int round = 0; round < 3; ++round) {
    const Report r = toys.run(plan);
    CHECK(toys.written() == "99.0000\nend\n");
    CHECK(r.nodes[1].calls == 4);  // three packets and the end; of these, none gives two
  }
}

TEST_CASE("an inner graph is a function inside its stage") {
  Toys toys;
  toys.folder.write("inner.yaml",
                    "npurt: 1\nname: inner\nparameters: {by: '1'}\ninputs: {x: 'f32[N]'}\nnodes:\n"
                    "  s: {op: scale, in: in.x, use: toy, with: {by: $by}}\n  sum: {op: add, in: {a: s, b: in.x}, use: toy}\n"
                    "outputs: {y: sum}\n");
  Plan plan = toys.plan(
      "  n: {op: count, use: toy, with: {packets: 3, size: 1}}\n"
      "  t: {op: through, in: n, use: toy, with: {graph: inner.yaml, by: 9}}\n"
      "  out: {op: write, in: t, use: toy, with: {path: $output}}\n");
  const Report r = toys.run(plan);
  CHECK(toys.written() == "0.00000\n100.000\n200.000\nend\n");
  std::map<std::string, int64_t> calls;
  for (const NodeTiming& n : r.nodes) calls[n.node] = n.calls;
  CHECK(calls == std::map<std::string, int64_t>{{"n", 3}, {"t", 3}, {"t.s", 3}, {"t.sum", 3}, {"out", 4}});
}

TEST_CASE("cancelling ends a run within 0.2 s, and the sink can close its file") {
  Toys toys;
  std::atomic<bool> cancel{false};
  toys.run_options.cancel = &cancel;
  Plan plan = toys.plan(
      "  n: {op: count, use: toy, with: {packets: 1000000}}\n"
      "  s: {op: scale, in: n, use: 'toy:plain', with: {delay_us: 2000}}\n"
      "  out: {op: write, in: s, use: toy, with: {path: $output}}\n"
      "  f: {op: forever, in: n, use: toy}\n");
  std::chrono::steady_clock::time_point asked;
  std::jthread user([&] {
    while (toys.written().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    asked = std::chrono::steady_clock::now();
    cancel = true;
  });
  const Report r = toys.run(plan);
  const double after = std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count();
  CHECK(r.cancelled);
  CHECK(after < 0.2);
  CHECK(toys.written().ends_with("\nend\n"));
}

TEST_CASE("a cancelled plan runs its next input from the beginning") {
  Toys toys;
  std::atomic<bool> cancel{false};
  toys.run_options.cancel = &cancel;
  Plan plan = toys.plan(
      "  n: {op: count, use: toy, with: {packets: 30, size: 3}}\n"
      "  c: {op: cut, in: n, use: toy, with: {length: 7}}\n"
      "  t: {op: total, in: c.part, use: toy}\n"
      "  out: {op: write, in: t, use: toy, with: {path: $output}}\n");
  toys.run_options.progress = [&](const std::string&, double done, double) { cancel = done > 10; };
  CHECK(toys.run(plan).cancelled);
  toys.run_options.progress = nullptr;
  cancel = false;
  CHECK_FALSE(toys.run(plan).cancelled);
  CHECK(toys.written() == "13140.0\nend\n");
}

TEST_CASE("progress is told with the node's name, one call at a time") {
  Toys toys;
  std::atomic<int> inside{0};
  std::vector<double> seen;
  toys.run_options.progress = [&](const std::string& node, double done, double total) {
    CHECK(++inside == 1);
    CHECK(node == "n");
    CHECK(total == 5);
    seen.push_back(done);
    --inside;
  };
  Plan plan = toys.plan(
      "  n: {op: count, use: toy, with: {packets: 5}}\n"
      "  out: {op: write, in: n, use: toy, with: {path: $output}}\n");
  const Report r = toys.run(plan);
  CHECK(seen == std::vector<double>{1, 2, 3, 4, 5});
  CHECK(r.audio_s == 5);
}

TEST_CASE("a report tells placement, calls, wall and CPU seconds of every node, and the overhead") {
  Toys toys;
  Plan plan = toys.plan(
      "  n: {op: count, use: toy, with: {packets: 8}}\n"
      "  s: {op: scale, in: n, use: ['toy:device', 'toy:plain'], with: {refuse: not here, delay_us: 5000}}\n"
      "  out: {op: write, in: s, use: toy, with: {path: $output}}\n");
  const Report r = toys.run(plan);
  const auto j = nlohmann::json::parse(r.json());
  CHECK(j["cancelled"] == false);
  CHECK(j["fallbacks"].empty());
  REQUIRE(j["placement"].size() == 3);
  CHECK(j["placement"][1] ==
        nlohmann::json::parse(
            R"({"node": "s", "op": "scale", "use": "toy:plain", "device": "cpu", "cause": "toy:device refused: not here",
        "refused": [{"candidate": "toy:device", "reason": "not here"}]})"));
  const auto& timing = j["timing"];
  REQUIRE(timing["nodes"].size() == 3);
  const auto& s = timing["nodes"][1];
  CHECK(s["node"] == "s");
  CHECK(s["calls"] == 8);
  // It sleeps, so its wall time is no CPU time; and it is one of the threads whose sum the process shows.
  CHECK(s["wall_s"] > 0.0005);
  CHECK(s["wall_s"] <= timing["wall_s"]);
  CHECK(s["cpu_s"] < s["wall_s"]);
  CHECK(timing["nodes"][2]["calls"] == 9);
  CHECK(timing["overhead_s"] >= 0.0);
  CHECK(timing["overhead_s"] < timing["wall_s"]);
  CHECK(timing["plan_s"] > 0.0);
}
