#include <cstdio>
#include <exception>
#include <npurt/runtime.hpp>

#include "commands.hpp"
#include "model.hpp"
#include "usage.hpp"

int main(int argc, char** argv) {
  CLI::App app{"npurt runs speech graphs on whatever this machine has, and shows what ran where.", "npurt"};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("npurt ") + npurt::version());
  app.failure_message([](const CLI::App* asked, const CLI::Error& e) { return npurt::cli::usage_text(*asked, e); });
  app.footer(
      "Examples:\n"
      "  npurt run graphs/transcribe.yaml talk.wav             print what is said\n"
      "  npurt run graphs/transcribe.yaml *.mp3 -o subs/ --format srt\n"
      "  npurt plan graphs/transcribe.yaml                     show what would run where, and why\n"
      "Exit codes: 0 ok, 1 run failed, 2 usage, 3 graph or input, 4 plugin, 5 device fault, 6 a --require not met, 130 "
      "interrupted.");

  int exit_code = 0;
  npurt::cli::add_run_command(app, exit_code);
  npurt::cli::add_ab_command(app, exit_code);
  npurt::cli::add_bench_command(app, exit_code);
  npurt::cli::add_tune_command(app, exit_code);
  npurt::cli::add_doctor_command(app, exit_code);
  npurt::cli::add_verify_command(app, exit_code);
  npurt::cli::add_plan_command(app, exit_code);
  npurt::cli::add_plugin_commands(app, exit_code);
  npurt::cli::add_plugins_command(app, exit_code);
  npurt::cli::add_inspect_command(app, exit_code);
  npurt::cli::add_model_commands(app, exit_code);
  npurt::cli::add_speakers_commands(app, exit_code);
  npurt::cli::add_manual_command(app, exit_code);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(npurt::Exit::usage);
  } catch (const npurt::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return static_cast<int>(e.code);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return static_cast<int>(npurt::Exit::run_failed);
  }
  return exit_code;
}
