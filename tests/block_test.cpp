// Blocks that one candidate takes whole: when it does, when it does not, and what takes over.
#include <nlohmann/json.hpp>
#include <npurt/runtime.hpp>

#include "catch.hpp"
#include "toys.hpp"

using namespace npurt;
using namespace npurt_test;

namespace {

const char* kBlock =
    "npurt: 1\nname: quadruple\nparameters: {fault_at: '-1', fault_below: '-1'}\n"
    "inputs: {x: 'f32[N]'}\nnodes:\n"
    "  a: {op: scale, in: in.x, use: 'toy:plain', with: {by: 2}}\n"
    "  b: {op: scale, in: a, use: ['toy:device', 'toy:plain'], with: {by: 2, fault_at: $fault_below}}\noutputs: {y: b}\n";

// Two blocks, one after the other.
std::string chain(const std::string& with, const std::string& use = "quadruple: 'toy:whole'") {
  return "  n: {op: count, use: toy, with: {packets: 3, size: 1}}\n"
         "  q: {block: block.yaml, repeat: 2, in: n, use: {" +
         use + "}, with: {" + with +
         "}}\n"
         "  out: {op: write, in: q, use: toy, with: {path: $output}}\n";
}
const char* kWhole = "0.00000\n160.000\n320.000\nend\n";

struct Blocks : Toys {
  Blocks() {
    folder.write("block.yaml", kBlock);
    set_log_level("off");
  }
};

// "q.0 q.1.a q.1.b"
std::string nodes_of(const Plan& plan) {
  std::string all;
  for (const PlannedNode& n : plan.nodes())
    if (n.placement.node.starts_with("q")) all += (all.empty() ? "" : " ") + n.placement.node;
  return all;
}
Placement placed(const std::vector<Placement>& all, const std::string& node) {
  for (const Placement& p : all)
    if (p.node == node) return p;
  throw std::logic_error("no node " + node);
}

}  // namespace

TEST_CASE("a block that a candidate takes is one node, and its own nodes are told") {
  Blocks toys;
  toys.plan_options.require = {{"q.*", "npu"}, {"q.1.b", "npu"}, {"q.0.a", "toy"}};
  Plan plan = toys.plan(chain(""));
  CHECK(nodes_of(plan) == "q.0 q.1");
  const Report r = toys.run(plan);
  CHECK(toys.written() == kWhole);
  const Placement q = placed(r.placement, "q.1");
  CHECK(q.op == "quadruple");
  CHECK(q.use == "toy:whole");
  CHECK(q.device == "npu");
  CHECK(q.cause == "first choice");
  CHECK(q.nodes == std::vector<std::string>{"q.1.a", "q.1.b"});
  CHECK(nlohmann::json::parse(plan.json())["nodes"][1]["takes"] == nlohmann::json{"q.0.a", "q.0.b"});
  CHECK(nlohmann::json::parse(r.json())["placement"][2]["takes"] == nlohmann::json{"q.1.a", "q.1.b"});
  CHECK(plan.why("q.1.b").find("node q.1 (op quadruple) runs on npu by toy:whole") == 0);
  CHECK(r.nodes.size() == 4);
  CHECK(r.nodes[2].calls == 3);

  toys.plan_options.require = {{"q.1.b", "cpu"}};
  const Error e = error_of([&] { toys.plan(chain("")); });
  CHECK(e.code == Exit::require);
  CHECK(std::string(e.what()).find("node 'q.1' runs on npu (toy:whole)") != std::string::npos);
}

TEST_CASE("a block that nobody is asked to take is as it was") {
  Blocks toys;
  const Graph graph = toys.graph(chain("", ""));
  CHECK(graph.nodes.size() == 6);
  Plan plan = toys.plan(chain("", ""));
  CHECK(nodes_of(plan) == "q.0.a q.0.b q.1.a q.1.b");
  CHECK(plan.notes().empty());
}

TEST_CASE("a block whose candidates refuse is left to its nodes, which know why") {
  Blocks toys;
  toys.folder.write("block.yaml", std::string(kBlock));
  toys.graph_options.use = {{"q.0", "toy:whole"}, {"q.1", "broken, toy:absent"}};
  Plan plan = toys.plan(chain("", ""));
  CHECK(nodes_of(plan) == "q.0 q.1.a q.1.b");
  const Report r = toys.run(plan);
  CHECK(toys.written() == kWhole);
  CHECK(r.fallbacks.empty());
  const Placement b = placed(r.placement, "q.1.b");
  CHECK(b.use == "toy:device");
  CHECK(b.cause == "first choice");
  REQUIRE(b.refused.size() == 2);
  CHECK(b.refused[0].reason == "plugin 'broken' has no stage for op 'quadruple'");
  REQUIRE(plan.notes().size() == 1);
  CHECK(plan.notes()[0].find("block q.1, node by node: broken refused: plugin 'broken'") == 0);

  toys.plan_options.strict = true;
  const Error e = error_of([&] { toys.plan(chain("", "")); });
  CHECK(e.code == Exit::plugin);
  CHECK(e.diagnostics[0].message == "no candidate accepts node 'q.1' (op quadruple)");
}

TEST_CASE("the nodes of a block take over after a fault, with the same packet") {
  Blocks toys;
  const std::string faulty = chain("fault_at: 1");
  Plan plan = toys.plan(faulty);
  const Report r = toys.run(plan);
  CHECK(toys.written() == kWhole);
  REQUIRE(r.fallbacks.size() == 2);
  CHECK(r.fallbacks[0] == "q.0: toy:whole failed (the device hangs at packet 1); nodes took over");
  const Placement q = placed(r.placement, "q.0");
  CHECK(q.use == "nodes");
  CHECK(q.cause == "after fault: toy:whole: the device hangs at packet 1");
  CHECK(q.nodes.empty());
  CHECK(placed(r.placement, "q.0.a").use == "toy:plain");
  CHECK(placed(r.placement, "q.0.b").use == "toy:device");
  CHECK(nodes_of(plan) == "q.0 q.0.a q.0.b q.1 q.1.a q.1.b");

  SECTION("and one of them may break too") {
    Plan worse = toys.plan(chain("fault_at: 1, fault_below: 0"));  // an inner node's packets all count as the first
    const Report again = toys.run(worse);
    CHECK(toys.written() == kWhole);
    CHECK(again.fallbacks.size() == 4);
    CHECK(placed(again.placement, "q.1.b").cause == "after fault: toy:device: the device hangs at packet 0");
  }
  SECTION("but not if --strict or --require forbid it") {
    bool met = false;
    SECTION("--strict") { toys.plan_options.strict = true; }
    SECTION("--require of the block") { toys.plan_options.require = {{"q.0", "npu"}}; }
    SECTION("--require of a node that would leave the device") { toys.plan_options.require = {{"q.*.a", "npu"}}; }
    SECTION("--require of a node that would not") {
      toys.plan_options.require = {{"q.*.b", "npu"}};
      met = true;
    }
    Plan kept = toys.plan(faulty);
    if (met) {
      toys.run(kept);
      CHECK(toys.written() == kWhole);
    } else {
      CHECK(error_of([&] { toys.run(kept); }).code == Exit::device);
    }
  }
}

TEST_CASE("who names a node inside a block sees that node; who names the block chooses who takes it") {
  Blocks toys;
  auto& use = toys.graph_options.use;
  std::string want;
  SECTION("one node") {
    use = {{"q.0.b", "toy:plain"}};
    want = "q.0.a q.0.b q.1";
  }
  SECTION("that node of every block") {
    use = {{"q.*.b", "toy:plain"}};
    want = "q.0.a q.0.b q.1.a q.1.b";
  }
  SECTION("isolated") {
    toys.graph_options.isolate = {{"q.1.a", ""}};
    want = "q.0 q.1.a q.1.b";
  }
  SECTION("the last option counts") {
    use = {{"q.*.b", "toy:plain"}, {"q.*", "toy"}};
    want = "q.0 q.1";
  }
  SECTION("nodes") {
    use = {{"q.1", "nodes"}};
    want = "q.0 q.1.a q.1.b";
  }
  SECTION("nodes, by a pattern that names more") {
    use = {{"q.*", "nodes"}};
    want = "q.0.a q.0.b q.1.a q.1.b";
  }
  SECTION("a candidate for nodes, by a pattern that names the block too") {
    use = {{"q.*", "toy:plain"}};
    want = "q.0.a q.0.b q.1.a q.1.b";
    toys.plan_options.strict = true;
  }
  Plan plan = toys.plan(chain(""));
  CHECK(nodes_of(plan) == want);
  toys.run(plan);
  CHECK(toys.written() == kWhole);
}

TEST_CASE("a whole block runs in a child process, and inside a stage") {
  Blocks toys;
  SECTION("isolated") {
    toys.graph_options.isolate = {{"q.0", ""}};
    CHECK(toys.run(chain("")) == kWhole);
  }
  SECTION("isolated and faulty") {
    toys.graph_options.isolate = {{"q.0", ""}};
    CHECK(toys.run(chain("fault_at: 2")) == kWhole);
  }
  SECTION("inside a stage") {
    toys.folder.write("inner.yaml",
                      "npurt: 1\nname: inner\ninputs: {x: 'f32[N]'}\nnodes:\n"
                      "  q: {block: block.yaml, repeat: 2, in: in.x, use: {quadruple: 'toy:whole'}, with: {fault_at: 0}}\n"
                      "outputs: {y: q}\n");
    Plan plan = toys.plan(
        "  n: {op: count, use: toy, with: {packets: 3, size: 1}}\n"
        "  t: {op: through, in: n, use: toy, with: {graph: inner.yaml}}\n"
        "  out: {op: write, in: t, use: toy, with: {path: $output}}\n");
    CHECK(plan.nodes()[2].placement.node == "t.q.0");
    const Report r = toys.run(plan);
    CHECK(toys.written() == kWhole);
    CHECK(placed(r.placement, "t.q.1.b").use == "toy:device");
  }
}

TEST_CASE("a block with other ports than the op it is called after is left to its nodes") {
  Blocks toys;
  std::string other = kBlock;
  SECTION("an output of another name") { other.replace(other.find("outputs: {y"), 11, "outputs: {z"); }
  SECTION("an input of another name") {
    for (const char* x : {"{x:", "in.x"}) other.replace(other.find(x) + std::string(x).find('x'), 1, "w");
  }
  SECTION("what comes in, handed on") { other.replace(other.find("y: b}"), 5, "y: in.x}"); }
  toys.folder.write("block.yaml", other);
  toys.plan_options.strict = true;
  Plan plan = toys.plan(chain(""));
  CHECK(nodes_of(plan) == "q.0.a q.0.b q.1.a q.1.b");
  REQUIRE(plan.notes().size() == 2);
  CHECK(plan.notes()[0] == "block 'q.0' does not make what op quadruple does, of the same inputs, so nobody takes it whole");
}
