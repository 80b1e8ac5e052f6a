// `npurt bench`: kernels on the shapes of a real model, beside what the machine can do.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "interrupt.hpp"
#include "roof.hpp"
#include "times.hpp"

namespace npurt::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  TimesOptions times;
  bool json = false;
};

Json document(const std::vector<NodeTimes>& all, const Roof& roof, int threads) {
  Json j = {{"npurt", version()},
            {"threads", threads},
            {"roof", {{"f32_gflops", roof.gflops}, {"memory_gb_s", roof.gigabytes_per_s}}},
            {"time", "measured"},
            {"ops", Json::array()}};
  for (const NodeTimes& n : all) {
    Json entry = {{"op", n.op}, {"in", n.in}, {"out", n.out}, {"nodes", n.nodes}, {"candidates", Json::array()}};
    for (const Tuned& t : n.candidates) {
      Json c = {{"candidate", t.candidate}};
      if (!t.refused.empty()) {
        c["refused"] = t.refused;
      } else {
        c["seconds"] = t.seconds;
        if (n.flops > 0) c["gflops"] = n.flops / t.seconds / 1e9;
        c["gb_s"] = n.bytes / t.seconds / 1e9;
      }
      entry["candidates"].push_back(c);
    }
    j["ops"].push_back(entry);
  }
  return j;
}

void print(const std::vector<NodeTimes>& all, const Roof& roof, int threads) {
  std::printf("roof, %d threads: %.0f GFLOP/s (f32), %.1f GB/s\n", threads, roof.gflops, roof.gigabytes_per_s);
  for (const NodeTimes& n : all) {
    std::printf("%s %s -> %s\n", n.op.c_str(), n.in.c_str(), n.out.c_str());
    for (const Tuned& t : n.candidates) {
      if (!t.refused.empty()) {
        std::printf("  %-18s refused: %s\n", t.candidate.c_str(), t.refused.c_str());
        continue;
      }
      const bool products = n.flops > 0;
      const double rate = (products ? n.flops : n.bytes) / t.seconds / 1e9;
      std::printf("  %-18s %9.3f ms  %8.1f %-7s  %4.0f %% of the roof\n", t.candidate.c_str(), 1e3 * t.seconds, rate,
                  products ? "GFLOP/s" : "GB/s", 100 * rate / (products ? roof.gflops : roof.gigabytes_per_s));
    }
  }
}

int bench(Options options) {
  TimesOptions& times = options.times;
  const std::filesystem::path graphs = share_folder() / "graphs";
  if (times.selection.graph.empty()) times.selection.graph = (graphs / "transcribe.yaml").string();
  if (times.input.empty()) times.input = (graphs / "samples/jfk.wav").string();
  std::vector<std::string> known;
  for (const std::string& s : op_signatures()) known.push_back(s.substr(0, s.find(':')));
  Interrupt interrupt;
  const int threads = times.selection.threads > 0 ? times.selection.threads : default_threads();
  const Roof roof = measure_roof(threads);
  const std::vector<NodeTimes> all = time_nodes(times, Interrupt::flag(), [](const std::string&) {});
  for (const std::string& op : times.ops)
    if (std::none_of(all.begin(), all.end(), [&](const NodeTimes& n) { return n.op == op; }))
      throw Error(Exit::usage, {Diagnostic{{},
                                           "no node of op '" + op + "' can be timed by itself in " + times.selection.graph,
                                           did_you_mean(op, known)}});
  if (options.json) std::printf("%s\n", document(all, roof, threads).dump(1).c_str());
  else print(all, roof, threads);
  return Interrupt::flag() ? kInterrupted : 0;
}

}  // namespace

void add_bench_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  Selection& selection = options->times.selection;
  CLI::App* command = app.add_subcommand("bench", "Time kernels on a real model's shapes, beside what the machine can do");
  command->add_option("ops", options->times.ops, "Only these ops")->type_name("OP");
  command->add_option("--graph", selection.graph, "Where the shapes come from; transcribe if not given")->type_name("GRAPH");
  command->add_option("--input", options->times.input, "What the graph reads as $input; the bundled sample if not given");
  selection.add_choices_to(*command);
  command->add_option("--budget", options->times.budget_s, "Seconds for each candidate")
      ->check(CLI::Range(0.0, 60.0))
      ->capture_default_str();
  command->add_flag("--json", options->json, "For programs");
  command->footer(
      "Examples:\n"
      "  npurt bench matmul attention\n"
      "  npurt bench --set model=base --json\n"
      "The roofs are of f32 products and of memory: int8 and bf16 may pass the one, what stays in caches the other.");
  command->callback([options, &exit_code] { exit_code = bench(*options); });
}

}  // namespace npurt::cli
