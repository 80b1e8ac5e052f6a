#include "usage.hpp"

#include <algorithm>
#include <npurt/runtime.hpp>
#include <vector>

namespace npurt::cli {

namespace {

std::vector<std::string> names_of_commands(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* c : command.get_subcommands([](const CLI::App* c) { return !c->get_group().empty(); }))
    names.push_back(c->get_name());
  return names;
}

std::vector<std::string> names_of_options(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

}  // namespace

std::string usage_text(const CLI::App& app, const CLI::Error& error) {
  const CLI::App* command = &app;
  std::string path = app.get_name();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().back();
    path += " " + command->get_name();
  }
  Diagnostic d{{}, error.what(), {}};
  const std::vector<std::string> rest = app.remaining(true), commands = names_of_commands(*command);
  const bool extras = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  const std::string word = rest.empty() ? "" : rest[0].substr(0, rest[0].find('='));
  if (word.starts_with('-') && (extras || !commands.empty())) {
    d.message = "there is no option '" + word + "'";
    d.details = did_you_mean(word, names_of_options(*command));
  } else if (!commands.empty()) {
    d.message = word.empty() ? "which command?" : "there is no command '" + word + "'";
    d.details = did_you_mean(word, commands);
    d.details.insert(d.details.begin(), {"wanted", joined(commands)});
  } else if (extras) {
    d.message = "there is no use for '" + rest[0] + "' here";
  }
  d.details.emplace_back("hint", path + " --help");
  return d.text() + "\n";
}

}  // namespace npurt::cli
