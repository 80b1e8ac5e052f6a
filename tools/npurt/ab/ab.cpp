#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "commands.hpp"
#include "comparison.hpp"
#include "interrupt.hpp"

namespace npurt::cli {

namespace {

struct AbCommand {
  ComparisonOptions measured;
  std::string report;
  bool quiet = false;
};

void write_report(const std::string& file, const Comparison& c) {
  std::ofstream out(file, std::ios::binary);
  out << (std::filesystem::path(file).extension() == ".json" ? json(c) : html(c));
  if (!out.flush()) throw Error(Exit::run_failed, "cannot write " + file);
}

int ab(const AbCommand& command) {
  if (const auto ending = std::filesystem::path(command.report).extension();
      !command.report.empty() && ending != ".json" && ending != ".html")
    throw Error(Exit::usage, "--report " + command.report + ": wanted FILE.html or FILE.json");
  Interrupt interrupt;
  const bool bar = !command.quiet && isatty(STDERR_FILENO);
  const auto progress = [&](int pairs) {
    if (bar) std::fprintf(stderr, "\r\033[Kpair %d of %d", pairs, command.measured.runs);
  };
  const Comparison c = measure(command.measured, Interrupt::flag(), progress);
  if (bar) std::fputs("\r\033[K", stderr);
  if (c.runs == 0) return kInterrupted;
  std::fputs(text(c).c_str(), stdout);
  if (!command.report.empty()) write_report(command.report, c);
  return Interrupt::flag() ? kInterrupted : 0;
}

}  // namespace

void add_ab_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<AbCommand>();
  ComparisonOptions& measured = options->measured;
  CLI::App* command = app.add_subcommand("ab", "Compare two candidates of a node: speed, numbers, and what is heard");
  measured.selection.add_to(*command);
  command->add_option("inputs", measured.inputs, "Files that the graph reads as $input")->type_name("INPUT");
  command->add_option("--node", measured.pattern, "Nodes to compare; may hold *, as in --use")->type_name("PATTERN")->required();
  command->add_option("--a", measured.a, "The candidate to compare with")->type_name("CAND")->required();
  command->add_option("--b", measured.b, "The candidate in question")->type_name("CAND")->required();
  command->add_option("--runs", measured.runs, "Pairs of runs, in random order, after one run of each to warm up")
      ->type_name("N")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--report", options->report, "Write all of it there, as the ending says")->type_name("FILE.html|FILE.json");
  command->add_flag("-q,--quiet", options->quiet, "No progress on stderr");
  command->footer(
      "Examples:\n"
      "  npurt ab graphs/transcribe.yaml talk.wav --node 'encoder.*.fc1' --a cpu:f32 --b cpu:int8\n"
      "  npurt ab graphs/transcribe.yaml *.wav --node 'encoder.*.qkv' --a cpu:int8 --b mine:fast --plugin-path build --report "
      "ab.html\n"
      "Times are of b over a: 0.50 is twice as fast. Exit code 0 says that it was measured, whatever came out.");
  command->callback([options, &exit_code] { exit_code = ab(*options); });
}

}  // namespace npurt::cli
