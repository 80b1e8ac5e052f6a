#include <iostream>

#include "commands.hpp"
#include "selection.hpp"

namespace npurt::cli {

void add_plan_command(CLI::App& app, int&) {
  struct Options {
    Selection selection;
    std::string why, format = "text";
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("plan", "Show what would run where, and why, without running it");
  options->selection.add_to(*command);
  command->add_option("--why", options->why, "Tell how these nodes came to their candidates; NODE may name a block or hold *")
      ->type_name("NODE");
  command->add_option("--format", options->format, "text, json or dot")->check(CLI::IsMember({"text", "json", "dot"}));
  command->footer(
      "Examples:\n"
      "  npurt plan graphs/transcribe.yaml --set model=tiny.en\n"
      "  npurt plan graphs/transcribe.yaml --why mel\n"
      "  npurt plan graphs/transcribe.yaml --set precision=f32 --why encoder.blocks.0\n"
      "  npurt plan graphs/transcribe.yaml --format dot | dot -Tsvg >plan.svg");
  command->callback([options] {
    Graph graph = options->selection.load();
    Catalog catalog = open_catalog(options->selection.plugin_path);
    Plan plan = options->selection.plan(graph, catalog);
    std::string text = !options->why.empty()       ? plan.why(options->why)
                       : options->format == "json" ? plan.json()
                       : options->format == "dot"  ? plan.dot()
                                                   : plan.text();
    std::cout << text;
    if (!text.ends_with('\n')) std::cout << '\n';
  });
}

}  // namespace npurt::cli
