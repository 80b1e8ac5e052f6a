// `npurt verify`: plans again what a result says it comes from, and tells what differs.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>

#include "commands.hpp"
#include "origin.hpp"

namespace npurt::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string file;
  std::vector<std::string> plugin_path;
};

Json read(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw Error(Exit::usage, "cannot open " + file);
  Json j = Json::parse(in, nullptr, false);
  if (!j.is_object() || !j.contains("origin") || !j.contains("placement") || !j.contains("timing"))
    throw Error(Exit::input,
                {Diagnostic{{file}, "is no result with a placement table", {{"hint", "npurt run … --format json"}}}});
  return j;
}

class Verification {
 public:
  explicit Verification(const Json& result) : result_(result), origin_(result.at("origin")) {}

  std::vector<std::string> compare(const Plan& plan) {
    if (const std::string then = origin_.at("npurt"); then != version())
      differ("npurt: " + then + " then, " + version() + " now");
    plugins(plan);
    nodes(plan);
    if (differences_.empty() && origin_.at("plan") != plan.signature())
      differ("the plan: shapes or wiring; " + origin_.at("plan").get<std::string>() + " then, " + plan.signature() + " now");
    claims();
    return std::move(differences_);
  }

 private:
  void differ(const std::string& what) { differences_.push_back(what); }

  void plugins(const Plan& plan) {
    std::map<std::string, std::string> now;
    for (const PluginUsed& p : plan.plugins()) now[p.name] = p.version + " (" + p.hash + ")";
    for (const Json& p : origin_.at("plugins")) {
      const std::string name = p.at("name"),
                        then = p.at("version").get<std::string>() + " (" + p.at("hash").get<std::string>() + ")";
      if (!now.contains(name)) differ("plugin " + name + ": " + then + " then, not used now");
      else if (now[name] != then) differ("plugin " + name + ": " + then + " then, " + now[name] + " now");
      now.erase(name);
    }
    for (const auto& [name, version] : now) differ("plugin " + name + ": not used then, " + version + " now");
  }

  void nodes(const Plan& plan) {
    std::map<std::string, const Json*> then;
    for (const Json& row : result_.at("placement")) then[row.at("node")] = &row;
    for (const PlannedNode& n : plan.nodes()) {
      const Placement& p = n.placement;
      if (!then.contains(p.node)) {
        differ("node " + p.node + ": not there then, " + p.use + " now");
        continue;
      }
      const Json& row = *then[p.node];
      if (row.at("use") != p.use || row.at("device") != p.device || row.at("op") != p.op)
        differ("node " + p.node + ": " + row.at("use").get<std::string>() + " on " + row.at("device").get<std::string>() +
               " then (" + row.at("cause").get<std::string>() + "), " + p.use + " on " + p.device + " now (" + p.cause + ")");
      then.erase(p.node);
    }
    for (const auto& [node, row] : then)
      differ("node " + node + ": " + row->at("use").get<std::string>() + " then, not there now");
  }

  // What the result says of itself must hold together.
  void claims() {
    const Json& timing = result_.at("timing");
    const double wall = timing.at("wall_s"), factor = timing.at("realtime_factor"), duration = result_.value("duration", 0.0);
    if (std::abs(factor * wall - duration) > 0.01 * duration + 1e-6)
      differ("claim: " + std::to_string(factor) + "x realtime, but " + std::to_string(duration) + " s in " +
             std::to_string(wall) + " s is " + std::to_string(wall > 0 ? duration / wall : 0) + "x");
    std::map<std::string, std::string> time;
    for (const Json& row : result_.at("placement")) time[row.at("node")] = row.at("time");
    for (const Json& n : timing.at("nodes")) {
      const std::string node = n.at("node"), said = time.contains(node) ? time[node] : "nothing";
      const std::string right = n.contains("modelled_device_s") ? "modelled" : "measured";
      if (said != right) differ("claim: node " + node + " is said to be " + said + ", but its time is " + right);
    }
  }

  const Json& result_;
  const Json& origin_;
  std::vector<std::string> differences_;
};

int verify(const Options& options) {
  const Json result = read(options.file);
  Selection selection = asked(result.at("origin"), options.file);
  selection.plugin_path = options.plugin_path;
  Catalog catalog = open_catalog(options.plugin_path);
  const Plan plan = selection.plan(selection.load(), catalog);
  std::vector<std::string> differences;
  try {
    differences = Verification(result).compare(plan);
  } catch (const Json::exception& e) {
    throw Error(Exit::input, {Diagnostic{{options.file}, std::string("is damaged: ") + e.what(), {}}});
  }
  if (differences.empty()) std::printf("as it says: %s\n", plan.signature().c_str());
  for (const std::string& d : differences) std::printf("differs: %s\n", d.c_str());
  return static_cast<int>(differences.empty() ? Exit::ok : Exit::run_failed);
}

}  // namespace

void add_verify_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("verify", "Plan again what a result comes from, and tell what differs");
  command->add_option("result", options->file, "JSON of npurt run --format json")->type_name("FILE")->required();
  add_plugin_path(*command, options->plugin_path);
  command->footer(
      "Examples:\n"
      "  npurt run graphs/transcribe.yaml talk.wav -o talk.json\n"
      "  npurt verify talk.json\n"
      "Looks at npurt, plugins and their hashes, who runs each node, shapes, and whether the figures hold together. Exit code 1: "
      "something differs.");
  command->callback([options, &exit_code] { exit_code = verify(*options); });
}

}  // namespace npurt::cli
