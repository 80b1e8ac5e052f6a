#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>

#include "commands.hpp"
#include "interrupt.hpp"
#include "origin.hpp"
#include "outputs.hpp"
#include "progress.hpp"
#include "result.hpp"
#include "selection.hpp"

namespace npurt::cli {

namespace fs = std::filesystem;

namespace {

struct RunCommand {
  Selection selection;
  std::vector<std::string> inputs;
  std::string output, format, report, trace;
  bool quiet = false;
};

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The file appears whole or not at all, unless it is a pipe, a device or the like.
void write(const fs::path& file, const std::string& text) {
  const bool direct = fs::exists(file) && !fs::is_regular_file(file);
  const fs::path part = direct ? file : fs::path(file.string() + ".part");
  std::ofstream out(part, std::ios::binary);
  out << text;
  out.close();
  std::error_code error;
  if (out && !direct) fs::rename(part, file, error);
  if (!out || error) throw Error(Exit::run_failed, "cannot write " + file.string());
}

// What the sink has appended to its file since the last call. It writes FILE.part, and renames it at the end.
class Tail {
 public:
  explicit Tail(const fs::path& file) : file_(file) {}
  std::string read(bool complete = false) {
    if (!in_.is_open()) in_.open(complete ? file_ : fs::path(file_.string() + ".part"), std::ios::binary);
    if (!in_.is_open()) return "";
    in_.clear();
    return {std::istreambuf_iterator<char>(in_), {}};
  }

 private:
  fs::path file_;
  std::ifstream in_;
};

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

// One input through the plan. The sink writes straight to its file or to stdout, unless the CLI has to add to the document
// (json), or a bar shares the terminal with the text.
Report run_one(Plan& plan, const Graph& graph, const RunCommand& command, const std::string& input, const fs::path& file,
               const std::string& origin, Trace* trace) {
  const bool bar = !command.quiet && isatty(STDERR_FILENO);
  const bool json = command.format == "json";
  const bool to_stdout = file.empty();
  std::optional<TemporaryFile> kept;
  if (json || (to_stdout && bar && isatty(STDOUT_FILENO))) kept.emplace();
  const fs::path written = kept ? kept->path() : file;
  std::optional<Tail> tail;
  if (kept && !json) tail.emplace(written);

  Report report;
  {
    Progress progress(graph, bar);
    RunOptions options;
    options.input = input;
    options.values = {{"output", written.empty() ? "-" : written.string()}, {"format", command.format}};
    options.cancel = &Interrupt::flag();
    options.trace = trace;
    options.progress = [&](const std::string& node, double done, double total) {
      if (std::string text = tail ? tail->read() : ""; !text.empty()) {
        progress.clear();
        print(text);
      }
      progress.report(node, done, total);
    };
    report = run_plan(plan, options);
  }
  if (tail) print(tail->read(true));
  if (!json) return report;
  const std::string document = with_placement(read(written), input, origin, report);
  if (to_stdout) print(document);
  else if (!document.empty()) write(file, document);  // a run that was stopped at once has none
  return report;
}

bool reads_input(const Graph& graph) {
  for (const Node& node : graph.nodes)
    for (const auto& [name, setting] : node.with)
      if (setting.value.find("$input") != std::string::npos) return true;
  return false;
}

// Runs every input; one that fails is said and does not stop the others. Returns the first failure's exit code.
int run(RunCommand command) {
  command.format = choose_format(command.format, command.output);
  Graph graph = command.selection.load();
  if (command.inputs.empty()) {
    if (reads_input(graph)) throw Error(Exit::usage, command.selection.graph + " reads $input: name one or more files after it");
    command.inputs.push_back("");
  }
  const std::vector<fs::path> files = output_files(command.output, command.format, command.inputs);
  Catalog catalog = open_catalog(command.selection.plugin_path);
  Plan plan = command.selection.plan(graph, catalog);

  const std::string from = command.format == "json" ? origin(command.selection, plan).dump() : "";
  std::optional<Trace> trace;
  if (!command.trace.empty()) trace.emplace();
  Interrupt interrupt;
  Exit first_failure = Exit::ok;
  const size_t all = command.inputs.size();
  size_t failed = 0;
  std::vector<std::pair<std::string, Report>> runs;
  for (size_t i = 0; i < all && !Interrupt::flag(); ++i) {
    const std::string& input = command.inputs[i];
    if (all > 1 && files[i].empty() && command.format != "json") print((i ? "\n==> " : "==> ") + input + " <==\n");
    try {
      runs.emplace_back(input, run_one(plan, graph, command, input, files[i], from, trace ? &*trace : nullptr));
      const std::string name = all > 1 ? input + ": " : "";
      if (!command.quiet) std::fputs(summary(name, runs.back().second, runs.size() == 1).c_str(), stderr);
    } catch (const Error& e) {
      std::fprintf(stderr, "%s\n", e.what());
      if (first_failure == Exit::ok) first_failure = e.code;
      ++failed;
    }
  }
  if (failed && all > 1) std::fprintf(stderr, "%zu of %zu inputs failed\n", failed, all);
  if (trace) write(command.trace, trace->json());
  if (!command.report.empty()) write(command.report, run_report(command.selection.graph, runs));
  return Interrupt::flag() ? kInterrupted : static_cast<int>(first_failure);
}

}  // namespace

void add_run_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<RunCommand>();
  CLI::App* command = app.add_subcommand("run", "Run a graph on one or more files");
  options->selection.add_to(*command);
  command->add_option("inputs", options->inputs, "Files that the graph reads as $input, one run each")->type_name("INPUT");
  command->add_option("-o,--output", options->output, "File, folder/ or pattern such as '{name}.srt'; stdout if not given")
      ->type_name("FILE");
  command->add_option("--format", options->format, "txt, json, srt, vtt, tsv or rttm; else as FILE's extension says, else txt")
      ->check(CLI::IsMember(formats()));
  command->add_option("--report", options->report, "Write placement, times and refusals of each node there, as JSON")
      ->type_name("FILE");
  command->add_option("--trace", options->trace, "Write there what happened when, for ui.perfetto.dev")->type_name("FILE");
  command->add_flag("-q,--quiet", options->quiet, "Say nothing on stderr but errors");
  command->footer(
      "Examples:\n"
      "  npurt run graphs/transcribe.yaml talk.wav >talk.txt\n"
      "  npurt run graphs/transcribe.yaml talk.mp3 -o talk.srt --set language=en --set beam=5\n"
      "  npurt run graphs/transcribe.yaml *.flac -o out/ --format vtt\n"
      "  npurt run graphs/transcribe.yaml talk.wav --use 'encoder.*.fc1=cpu:f32' --report report.json\n"
      "  npurt run graphs/transcribe.yaml talk.wav --trace trace.json\n"
      "Ctrl-C keeps what -o has so far; twice ends at once.");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace npurt::cli
