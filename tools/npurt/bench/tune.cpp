// `npurt tune`: the only writer of the tuning cache.
#include <unistd.h>

#include <cstdio>

#include "commands.hpp"
#include "interrupt.hpp"
#include "times.hpp"

namespace npurt::cli {

namespace {

int tune(TimesOptions options) {
  options.selection.policy = "declared";  // what was measured before has no say in what is measured
  Interrupt interrupt;
  const bool bar = isatty(STDERR_FILENO);
  const auto progress = [&](const std::string& node) {
    if (bar) std::fprintf(stderr, "\r\033[K%s", node.c_str());
  };
  const std::vector<NodeTimes> all = time_nodes(options, Interrupt::flag(), progress);
  if (bar) std::fputs("\r\033[K", stderr);
  const std::filesystem::path cache =
      options.selection.tuning.empty() ? tuning_cache() : std::filesystem::path(options.selection.tuning);
  size_t lines = 0;
  for (const NodeTimes& n : all) {
    save_tunings(n.candidates, cache);
    const Tuned* best = fastest(n);
    std::printf("%s %s -> %s  (%s%s)\n", n.op.c_str(), n.in.c_str(), n.out.c_str(), n.nodes[0].c_str(),
                n.nodes.size() > 1 ? (" and " + std::to_string(n.nodes.size() - 1) + " more").c_str() : "");
    for (const Tuned& t : n.candidates) {
      if (t.refused.empty()) std::printf("  %s %-18s %9.3f ms\n", &t == best ? "*" : " ", t.candidate.c_str(), 1e3 * t.seconds);
      else std::printf("    %-18s refused: %s\n", t.candidate.c_str(), t.refused.c_str());
      lines += t.refused.empty() ? 1 : 0;
    }
  }
  std::fprintf(stderr, "%zu times in %s; --policy measured goes by them\n", lines, cache.c_str());
  return Interrupt::flag() ? kInterrupted : 0;
}

}  // namespace

void add_tune_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<TimesOptions>();
  CLI::App* command = app.add_subcommand("tune", "Time every candidate of a graph's nodes, for --policy measured");
  options->selection.add_to(*command);
  command->add_option("input", options->input, "What the graph reads as $input")->type_name("INPUT");
  command->add_option("--budget", options->budget_s, "Seconds for each candidate")
      ->check(CLI::Range(0.0, 60.0))
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  npurt tune graphs/transcribe.yaml talk.wav\n"
      "  npurt run graphs/transcribe.yaml talk.wav --policy measured\n"
      "A time counts for the same op, shapes, options, plugin, device, driver and number of threads only.");
  command->callback([options, &exit_code] { exit_code = tune(*options); });
}

}  // namespace npurt::cli
