#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "ab/words.hpp"
#include "finding.hpp"
#include "outputs.hpp"

namespace npurt::cli {

namespace fs = std::filesystem;

namespace {

std::string sentence(const Error& e) { return e.diagnostics.empty() ? e.what() : e.diagnostics[0].text(); }

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The libraries that this process has mapped by now.
std::set<std::string> loaded() {
  std::ifstream maps("/proc/self/maps");
  std::set<std::string> files;
  for (std::string line; std::getline(maps, line);)
    if (const size_t at = line.find('/'); at != std::string::npos) files.insert(fs::path(line.substr(at)).filename().string());
  return files;
}

}  // namespace

void look_at_plugins(Findings& all, const Catalog& catalog) {
  std::string good;
  for (const PluginInfo& p : catalog.inspect()) {
    if (!p.shadowed_by.empty())
      all.push_back({Finding::note, "plugin", p.file.string() + " is not used: shadowed by " + p.shadowed_by.string(), ""});
    else if (!p.error.empty()) all.push_back({Finding::problem, "plugin", p.error, "npurt plugin check " + p.file.string()});
    else good += (good.empty() ? "" : ", ") + p.name + " " + p.version;
  }
  std::string looked;
  for (const auto& folder : catalog.folders()) looked += (looked.empty() ? "" : ", ") + folder.string();
  if (good.empty())
    all.push_back({Finding::problem, "plugins", "none; looked in " + looked, "install npurt again, or set NPURT_PLUGIN_PATH"});
  else all.push_back({Finding::ok, "plugins", good, ""});
}

void look_at_models(Findings& all) {
  std::vector<std::pair<std::string, fs::path>> here;
  for (const KnownModel& m : known_models(share_folder() / "configs/models.yaml"))
    if (const ModelFinding found = find_model(m.name, share_folder() / "graphs"); !found.path.empty())
      here.emplace_back(m.name, found.path);
  for (const auto& [name, path] : here) try {
      verify_model(path);
      all.push_back({Finding::ok, "model", name + "  " + path.string(), ""});
    } catch (const Error& e) {
      all.push_back({Finding::problem, "model", name + ": " + sentence(e), "npurt model pull " + name});
    }
  if (here.empty()) all.push_back({Finding::problem, "model", "none is here", "npurt model pull tiny.en"});
}

void self_test(Findings& all, Catalog& catalog) {
  const fs::path graphs = share_folder() / "graphs";
  const auto begin = std::chrono::steady_clock::now();
  try {
    Plan plan = make_plan(load_graph(graphs / "transcribe.yaml"), catalog);
    TemporaryFile out;
    RunOptions run;
    run.input = (graphs / "samples/jfk.wav").string();
    run.values = {{"output", out.path().string()}, {"format", "json"}};
    const Report report = run_plan(plan, run);
    const nlohmann::json sample = {{"segments", {{{"text", content(graphs / "samples/jfk.txt")}}}}};
    const auto right = read_transcript(sample.dump()).words;
    const auto heard = read_transcript(content(out.path())).words;
    const int wrong = edits(flips(right, heard));
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    char text[128];
    std::snprintf(text, sizeof text, "%zu words, %d wrong; %.1f s audio in %.2f s, %.2f s with loading", right.size(), wrong,
                  report.audio_s, report.wall_s, took);
    const bool good = !right.empty() && wrong <= 1;
    all.push_back(
        {good ? Finding::ok : Finding::problem, "self-test", text, good ? "" : "npurt doctor --bundle FILE, and report it"});
  } catch (const Error& e) {
    all.push_back({Finding::problem, "self-test", sentence(e), "install npurt again"});
  }
  for (const std::string& file : loaded())
    if (file.starts_with("libdnnl")) all.push_back({Finding::ok, "oneDNN", file, ""});
}

}  // namespace npurt::cli
