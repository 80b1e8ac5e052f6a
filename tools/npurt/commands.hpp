// The subcommands. Each adds itself to the app; its callback runs it, leaves its exit code in `exit_code`, and throws
// npurt::Error for anything that is worth a sentence.
#pragma once

#include <CLI/CLI.hpp>

namespace npurt::cli {

void add_run_command(CLI::App& app, int& exit_code);
void add_ab_command(CLI::App& app, int& exit_code);
void add_bench_command(CLI::App& app, int& exit_code);
void add_tune_command(CLI::App& app, int& exit_code);
void add_doctor_command(CLI::App& app, int& exit_code);
void add_manual_command(CLI::App& app, int& exit_code);
void add_verify_command(CLI::App& app, int& exit_code);
void add_plan_command(CLI::App& app, int& exit_code);
void add_plugin_commands(CLI::App& app, int& exit_code);
void add_plugins_command(CLI::App& app, int& exit_code);
void add_inspect_command(CLI::App& app, int& exit_code);
void add_speakers_commands(CLI::App& app, int& exit_code);

}  // namespace npurt::cli
