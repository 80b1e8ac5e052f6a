// `npurt doctor`: what is here, what is wrong, and how to mend it.
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "finding.hpp"
#include "selection.hpp"

namespace npurt::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kStates[] = {"ok", "note", "PROBLEM"};

struct Options {
  std::vector<std::string> plugin_path;
  std::string bundle;
  bool json = false;
};

std::string text(const Findings& all) {
  std::string out;
  for (const Finding& f : all) {
    char head[64];
    std::snprintf(head, sizeof head, "%-7s  %-12s  ", kStates[f.state], f.area.c_str());
    out += head + f.text + "\n";
    if (!f.fix.empty()) out += std::string(23, ' ') + "fix: " + f.fix + "\n";
  }
  return out;
}

Json document(const Findings& all) {
  Json j = {{"npurt", version()}, {"problems", 0}, {"findings", Json::array()}};
  for (const Finding& f : all) {
    j["problems"] = j["problems"].get<int>() + (f.state == Finding::problem ? 1 : 0);
    j["findings"].push_back(
        {{"state", f.state == Finding::problem ? "problem" : kStates[f.state]}, {"area", f.area}, {"text", f.text}});
    if (!f.fix.empty()) j["findings"].back()["fix"] = f.fix;
  }
  return j;
}

// For a report of a bug: what doctor found and what npurt would do, without names of people, machines and their folders.
void write_bundle(const std::string& file, const Findings& all, Catalog& catalog) {
  Json j = document(all);
  try {
    j["plan"] = Json::parse(make_plan(load_graph(share_folder() / "graphs/transcribe.yaml"), catalog).json());
  } catch (const Error& e) {
    j["plan"] = e.what();
  }
  const passwd* user = getpwuid(getuid());
  const char* home = std::getenv("HOME");
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  std::ofstream out(file);
  out << without_names(j.dump(1, ' ', false, Json::error_handler_t::replace), home ? home : "", user ? user->pw_name : "", host)
      << '\n';
  if (!out.flush()) throw Error(Exit::run_failed, "cannot write " + file);
}

int doctor(const Options& options) {
  Catalog catalog = open_catalog(options.plugin_path);
  Findings all;
  look_at_machine(all);
  look_at_npu(all);
  look_at_plugins(all, catalog);
  look_at_models(all);
  self_test(all, catalog);
  std::fputs((options.json ? document(all).dump(1, ' ', false, Json::error_handler_t::replace) + "\n" : text(all)).c_str(),
             stdout);
  if (!options.bundle.empty()) write_bundle(options.bundle, all, catalog);
  const bool ill = std::any_of(all.begin(), all.end(), [](const Finding& f) { return f.state == Finding::problem; });
  return static_cast<int>(ill ? Exit::run_failed : Exit::ok);
}

}  // namespace

void add_doctor_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("doctor", "Look for what is missing or broken, and say how to mend it");
  command->add_flag("--json", options->json, "For programs");
  command->add_option("--bundle", options->bundle, "Write there what a bug report needs; without names of people and machines")
      ->type_name("FILE");
  add_plugin_path(*command, options->plugin_path);
  command->footer("Examples:\n  npurt doctor\n  npurt doctor --bundle bug.json\nExit code 1: there is a problem.");
  command->callback([options, &exit_code] { exit_code = doctor(*options); });
}

}  // namespace npurt::cli
