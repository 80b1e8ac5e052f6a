// Which candidate gets a node, why, and how a plan tells it.
#include <nlohmann/json.hpp>
#include <npurt/runtime.hpp>

#include "catch.hpp"
#include "toys.hpp"

using namespace npurt;
using namespace npurt_test;
using nlohmann::json;

namespace {

const char* kChain =
    "  n:   {op: count, use: toy, with: {size: 3}}\n"
    "  s:   {op: scale, in: n, use: ['toy:device', 'toy:plain'], with: {by: 2}}\n"
    "  out: {op: write, in: s, use: toy, with: {path: $output}}\n";

Placement placed(const Plan& plan, const std::string& node) {
  for (const PlannedNode& n : plan.nodes())
    if (n.placement.node == node) return n.placement;
  throw std::logic_error("no node " + node);
}

std::string with_option(const std::string& option) {
  std::string text = kChain;
  return text.replace(text.find("by: 2"), 5, option);
}

}  // namespace

TEST_CASE("the first candidate that accepts gets the node") {
  Toys toys;
  const Plan plan = toys.plan(kChain);
  const Placement s = placed(plan, "s");
  CHECK(s.use == "toy:device");
  CHECK(s.device == "npu");
  CHECK(s.cause == "first choice");
  CHECK(s.refused.empty());
}

TEST_CASE("a refusal is kept with its reason, and is the cause of the next choice") {
  Toys toys;
  SECTION("by plan()") {
    const Placement s = placed(toys.plan(with_option("refuse: no device here")), "s");
    CHECK(s.use == "toy:plain");
    CHECK(s.device == "cpu");
    CHECK(s.cause == "toy:device refused: no device here");
    REQUIRE(s.refused.size() == 1);
    CHECK(s.refused[0].candidate == "toy:device");
    CHECK(s.refused[0].reason == "no device here");
  }
  SECTION("by the constructor") {
    CHECK(placed(toys.plan(with_option("refuse_open: its self-test gave zeros")), "s").cause ==
          "toy:device refused: its self-test gave zeros");
  }
  SECTION("by the signature") {
    std::string text = kChain;
    text.replace(text.find("size: 3"), 7, "size: 101");
    CHECK(placed(toys.plan(text), "s").cause == "toy:device refused: wanted x f32[N<=100], got f32[101]: N=101 is more than 100");
  }
  SECTION("by the plugin that lacks the op") {
    toys.graph_options.use = {{"s", "broken, toy:fast, toy:plain"}};
    const Placement s = placed(toys.plan(kChain), "s");
    CHECK(
        s.cause ==
        "broken refused: plugin 'broken' has no stage for op 'scale'; toy:fast refused: plugin 'toy' has no kernel 'fast' for op "
        "'scale'; it has plain, device, late");
  }
}

TEST_CASE("a plugin without kernel means each of its stages, in its order; no `use` means any plugin") {
  Toys toys;
  toys.graph_options.use = {{"s", "toy"}};
  CHECK(placed(toys.plan(kChain), "s").use == "toy:plain");
  toys.graph_options.use.clear();
  CHECK(placed(toys.plan("  n: {op: count}\n  out: {op: write, in: n, with: {path: $output}}\n"), "n").use == "toy");
}

TEST_CASE("the option --use takes patterns, the last one wins") {
  Toys toys;
  std::string text = kChain;
  text += "  s2: {op: scale, in: s, use: 'toy:device'}\n  t: {op: total, in: s2, use: toy}\n";
  toys.graph_options.use = {{"s*", "toy:late"}, {"s2", "toy:plain"}};
  const Plan plan = toys.plan(text);
  CHECK(placed(plan, "s").use == "toy:late");
  CHECK(placed(plan, "s2").use == "toy:plain");
  CHECK(toys.graph(text).nodes[1].use_cause == "--use s*=toy:late");
}

TEST_CASE("the option --strict keeps to the first choice") {
  Toys toys;
  toys.plan_options.strict = true;
  CHECK_NOTHROW(toys.plan(kChain));
  const Error e = error_of([&] { toys.plan(with_option("refuse: no device here")); });
  CHECK(e.code == Exit::plugin);
  REQUIRE(e.diagnostics.size() == 1);
  CHECK(e.diagnostics[0].details.size() >= 3);
  CHECK(std::string(e.what()).find("--strict keeps to the first choice, toy:device") != std::string::npos);
}

TEST_CASE("the option --require is met by a device, a plugin or a candidate, for nodes, patterns and whole blocks") {
  Toys toys;
  for (const char* want : {"npu", "toy", "toy:device"}) {
    toys.plan_options.require = {{"s", want}};
    CHECK_NOTHROW(toys.plan(kChain));
  }
  toys.plan_options.require = {{"s", "cpu"}, {"*", "npu"}};
  const Error e = error_of([&] { toys.plan(kChain); });
  CHECK(e.code == Exit::require);
  CHECK(e.diagnostics.size() == 3);  // s is not on cpu; n and out are not on npu
  CHECK(e.diagnostics[0].message == "--require *=npu is not met: node 'n' runs on io (toy)");
  toys.plan_options.require = {{"typo", "npu"}};
  CHECK(error_of([&] { toys.plan(kChain); }).code == Exit::require);
}

TEST_CASE("candidates found faulty before are left out") {
  Toys toys;
  toys.plan_options.avoid = {{"s", "toy:device"}};
  CHECK(placed(toys.plan(kChain), "s").cause == "toy:device refused: found faulty before");
}

TEST_CASE("a join of an input per packet with one per file lifts the bound of its edges") {
  Toys toys;
  const Plan plan = toys.plan(
      "  n:     {op: count, use: toy}\n"
      "  total: {op: total, in: n, use: toy}\n"
      "  share: {op: share, in: {x: n.x, total: total.sum}, use: toy}\n"
      "  out:   {op: write, in: share, use: toy, with: {path: $output}}\n");
  CHECK(plan.notes() ==
        std::vector<std::string>{
            "node 'share' waits for an input that comes once per file, so its other inputs queue without a bound"});
  CHECK(plan.text().find("\nnote: node 'share' waits") != std::string::npos);
  CHECK(json::parse(plan.json())["notes"].size() == 1);
}

TEST_CASE("a block's layers are nodes of their own, wired one behind the other") {
  Toys toys;
  toys.folder.write(
      "layer.yaml",
      "npurt: 1\nname: layer\nparameters: {by: '1'}\ninputs: {x: 'f32[N]'}\nnodes:\n"
      "  twice: {op: scale, in: in.x, with: {by: $by}}\n  sum: {op: add, in: {a: twice.y, b: in.x}}\noutputs: {y: sum}\n");
  const Plan plan = toys.plan(
      "  n:      {op: count, use: toy}\n"
      "  layers: {block: layer.yaml, in: n, repeat: 3, with: {by: '1${i}'}, use: {scale: [broken, 'toy:plain'], add: toy}}\n"
      "  out:    {op: write, in: layers, use: toy, with: {path: $output}}\n");
  const auto nodes = plan.nodes();
  REQUIRE(nodes.size() == 8);
  CHECK(nodes[1].placement.node == "layers.0.twice");
  CHECK(nodes[6].placement.node == "layers.2.sum");
  CHECK(nodes[3].after == std::vector<std::string>{"layers.0.sum.y -> x"});
  CHECK(nodes[6].after == std::vector<std::string>{"layers.2.twice.y -> a", "layers.1.sum.y -> b"});
  CHECK(nodes[7].after == std::vector<std::string>{"layers.2.sum.y -> x"});
  CHECK(nodes[1].placement.cause == "broken refused: plugin 'broken' has no stage for op 'scale'");
  toys.plan_options.require = {{"layers.1", "cpu"}};  // a whole layer
  CHECK_NOTHROW(
      toys.plan("  n: {op: count, use: toy}\n  layers: {block: layer.yaml, in: n, repeat: 3, use: {scale: toy, add: toy}}\n"));
}

TEST_CASE("an inner graph's nodes are in the plan, with the options and the names of their owner") {
  Toys toys;
  toys.folder.write(
      "inner.yaml",
      "npurt: 1\nname: inner\nparameters: {by: '1'}\ninputs: {x: 'f32[N]'}\nnodes:\n"
      "  s: {op: scale, in: in.x, use: ['toy:device', 'toy:plain'], with: {by: $by, refuse: not today}}\noutputs: {y: s.y}\n");
  const Plan plan = toys.plan(
      "  n:   {op: count, use: toy}\n"
      "  t:   {op: through, in: n, use: toy, with: {graph: inner.yaml, by: 7}}\n"
      "  out: {op: write, in: t, use: toy, with: {path: $output}}\n");
  const Placement s = placed(plan, "t.s");
  CHECK(s.use == "toy:plain");
  CHECK(s.cause == "toy:device refused: not today");
  CHECK(plan.why("t.s").find("after    in.x -> x") != std::string::npos);
  toys.plan_options.require = {{"t.s", "npu"}};
  CHECK(error_of([&] {
          toys.plan("  n: {op: count, use: toy}\n  t: {op: through, in: n, use: toy, with: {graph: inner.yaml}}\n");
        }).code == Exit::require);
}

TEST_CASE("an inner graph that cannot be is told with the file it is in") {
  Toys toys;
  auto said = [&](const std::string& inner) {
    toys.folder.write("inner.yaml", inner);
    const Error e = error_of(
        [&] { toys.plan("  n: {op: count, use: toy}\n  t: {op: through, in: n, use: toy, with: {graph: inner.yaml}}\n"); });
    return std::to_string(static_cast<int>(e.code)) + ": " + e.what();
  };
  const std::string head = "npurt: 1\nname: inner\ninputs: {x: 'f32[N]'}\n";
  CHECK(said(head + "nodes: {s: {op: scale, in: in.x, usee: toy}}\noutputs: {y: s.y}\n").find("unknown key 'usee'") !=
        std::string::npos);
  CHECK(said(head + "nodes: {c: {op: cut, in: in.x, use: toy}}\noutputs: {y: c.part}\n").find("changes the number of packets") !=
        std::string::npos);
  CHECK(said(head + "nodes: {t: {op: total, in: in.x, use: toy}}\noutputs: {y: t}\n").find("keeps state from packet to packet") !=
        std::string::npos);
  CHECK(said("npurt: 1\nname: inner\nnodes: {n: {op: count, use: toy}}\noutputs: {y: n}\n").find("has 0 inputs") !=
        std::string::npos);
  CHECK(said(head + "nodes: {s: {op: scale, in: in.x, use: toy}}\noutputs: {y: s.z}\n").find("has no output 'z'") !=
        std::string::npos);
  const std::string none = said(head + "nodes: {s: {op: scale, in: in.x, use: 'toy:fast'}}\noutputs: {y: s}\n");
  CHECK(none.starts_with("4: "));
  CHECK(none.find("it has plain, device, late") != std::string::npos);
  const Error missing = error_of([&] { toys.plan("  n: {op: count, use: toy}\n  t: {op: through, in: n, use: toy}\n"); });
  CHECK(missing.code == Exit::input);
  CHECK(std::string(missing.what()).find("option 'graph' is missing") != std::string::npos);
}

TEST_CASE("reasons that rows of a table share stand below it, once") {
  const auto row = [](const std::string& cause, std::vector<Refusal> refused) {
    return Placement{"n", "op", "b", "cpu", cause, std::move(refused), {}};
  };
  const std::vector<Placement> table{row("a refused: none; here", {{"a", "none; here"}}), row("a refused: no", {{"a", "no"}}),
                                     row("a refused: none; here; b refused: none", {{"a", "none; here"}, {"b", "none"}})};
  const Footnotes footnotes(table);
  CHECK(footnotes.cause(table[0]) == "a refused [1]");
  CHECK(footnotes.cause(table[1]) == "a refused: no");
  CHECK(footnotes.cause(table[2]) == "a refused [1]; b refused: none");
  CHECK(footnotes.text() == "[1] none; here\n");
}

TEST_CASE("a plan as text, JSON and a picture") {
  Toys toys;
  const Plan plan = toys.plan(with_option("refuse: no \"device\""));
  CHECK(plan.text() ==
        "node  op     use        device  makes     cause\n"
        "n     count  toy        io      x f32[3]  first choice\n"
        "s     scale  toy:plain  cpu     y f32[3]  toy:device refused: no \"device\"\n"
        "out   write  toy        io      -         first choice\n");
  const json j = json::parse(plan.json());
  CHECK(j["graph"] == "toy");
  CHECK(j["nodes"].size() == 3);
  CHECK(j["nodes"][1] == json::parse(R"({"node": "s", "op": "scale", "use": "toy:plain", "device": "cpu",
    "cause": "toy:device refused: no \"device\"", "refused": [{"candidate": "toy:device", "reason": "no \"device\""}],
    "in": {"x": "f32[3]"}, "out": {"y": "f32[3]"}, "after": ["n.x -> x"]})"));
  const std::string dot = plan.dot();
  CHECK(dot.starts_with("digraph \"toy\" {\n"));
  CHECK(dot.find("\"s\" [label=\"s\\nscale: toy:plain (cpu)\"];") != std::string::npos);
  CHECK(dot.find("\"n\" -> \"s\" [label=\"x\"];") != std::string::npos);
  CHECK(plan.why("s") ==
        "node s (op scale) runs on cpu by toy:plain: toy:device refused: no \"device\"\n"
        "  takes    x f32[3]\n"
        "  makes    y f32[3]\n"
        "  after    n.x -> x\n"
        "  refused  toy:device: no \"device\"\n");
  const Error e = error_of([&] { plan.why("t"); });
  CHECK(e.code == Exit::usage);
  CHECK(std::string(e.what()) == "error: the plan has no node 't'; it has n, s, out");
}

TEST_CASE("a Graph made by hand with a cycle is refused") {
  Toys toys;
  Graph graph = toys.graph(kChain);
  graph.nodes.push_back(graph.nodes[1]);
  graph.nodes[3].id = "t";
  graph.nodes[3].in[0].node = "s";
  graph.nodes[1].in[0] = {"x", "t", "y", {}};
  const Error e = error_of([&] { make_plan(graph, toys.catalog); });
  CHECK(e.code == Exit::input);
  CHECK(std::string(e.what()).find("cycle") != std::string::npos);
}
