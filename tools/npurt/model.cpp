// `npurt model list|info|verify|pull`
#include "model.hpp"

#include <algorithm>
#include <cstdio>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "fetch.hpp"

namespace npurt::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<KnownModel> table() { return known_models(share_folder() / "configs/models.yaml"); }

fs::path find(const std::string& name) {
  const ModelFinding found = find_model(name, share_folder() / "graphs");
  if (!found.path.empty() && fs::exists(found.path)) return found.path;
  std::vector<std::pair<std::string, std::string>> details;
  for (const auto& l : found.looked_in) details.push_back({"tried", l});
  details.push_back({"hint", "npurt model list"});
  throw Error(Exit::input, {Diagnostic{{}, "model '" + name + "' is not found", details}});
}

std::string megabytes(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

void list(bool as_json) {
  json rows = json::array();
  for (const KnownModel& m : table()) {
    uint64_t bytes = 0;
    for (const auto& f : m.files) bytes += f.bytes;
    const ModelFinding found = find_model(m.name, share_folder() / "graphs");
    const bool pulled = !m.files.empty() && fs::exists(m.place_in(model_cache()));
    if (m.files.empty() && !found.path.empty()) bytes = fs::file_size(found.path);
    rows.push_back({{"name", m.name},
                    {"help", m.help},
                    {"licence", m.licence},
                    {"bytes", bytes},
                    {"state", pulled               ? "pulled"
                              : found.path.empty() ? "not here"
                                                   : "embedded"},
                    {"path", found.path.string()}});
  }
  if (as_json) {
    std::cout << rows.dump(2) << '\n';
    return;
  }
  for (const json& r : rows)
    std::cout << std::left << std::setw(17) << r["name"].get<std::string>() << std::setw(10) << r["state"].get<std::string>()
              << std::setw(10) << megabytes(r["bytes"]) << r["help"].get<std::string>() << ", " << r["licence"].get<std::string>()
              << '\n';
}

void info(const std::string& name, bool as_json) {
  const ModelInfo m = model_info(find(name));
  json tensors = json::array();
  for (const auto& t : m.tensors) tensors.push_back({{"name", t.name}, {"dtype", t.dtype}, {"dims", t.dims}});
  if (as_json) {
    std::cout << json{{"path", m.path.string()},
                      {"layout", m.layout},
                      {"bytes", m.bytes},
                      {"config", json::parse(m.config)},
                      {"tensors", tensors}}
                     .dump(2)
              << '\n';
    return;
  }
  std::cout << m.path.string() << "\nlayout  " << m.layout << "\nsize    " << megabytes(m.bytes) << "\nconfig";
  const json config = json::parse(m.config);
  for (const auto& [key, value] : config.items()) {
    const std::string text = value.is_array() && value.size() > 8 ? std::to_string(value.size()) + " values" : value.dump();
    std::cout << "\n  " << std::left << std::setw(18) << key << text;
  }
  std::cout << "\ntensors";
  for (const auto& t : m.tensors) {
    std::cout << "\n  " << std::left << std::setw(46) << t.name << std::setw(5) << t.dtype << '[';
    for (size_t i = 0; i < t.dims.size(); ++i) std::cout << (i ? "," : "") << t.dims[i];
    std::cout << ']';
  }
  std::cout << '\n';
}

void verify(const std::string& name) {
  const fs::path path = find(name);
  for (const KnownModel& m : table()) {
    if (m.name != name || m.files.empty() || path != m.place_in(model_cache())) continue;
    for (const KnownFile& f : m.files) {
      const fs::path file = m.files.size() == 1 ? path : path / f.name;
      if (const std::string got = sha256(file); got != f.sha256)
        throw Error(Exit::input, file.string() + ": has sha256 " + got + ", wanted " + f.sha256);
    }
    std::cout << "sha256 of " << m.files.size() << " files as published\n";
  }
  verify_model(path);
  std::cout << path.string() << ": every tensor is whole and finite\n";
}

// Whole models only ever appear by a rename, so that one that was cut off is never taken for a model.
void pull(const std::string& name) {
  const std::vector<KnownModel> known = table();
  const auto m = std::find_if(known.begin(), known.end(), [&](const KnownModel& k) { return k.name == name; });
  if (m == known.end()) {
    std::string all;
    std::vector<std::string> names;
    for (const auto& k : known) all += (all.empty() ? "" : ", ") + k.name, names.push_back(k.name);
    Diagnostic d{{}, "no model is known as '" + name + "'", did_you_mean(name, names)};
    d.details.insert(d.details.begin(), {"known", all});
    d.details.emplace_back("hint", "npurt takes any CTranslate2, Hugging Face or ggml Whisper model by its path");
    throw Error(Exit::usage, {d});
  }
  if (m->files.empty()) {
    std::cout << find(name).string() << " is part of npurt\n";
    return;
  }
  const fs::path place = m->place_in(model_cache()), downloads = model_cache() / ".." / "downloads",
                 coming = downloads / (name + ".coming");
  if (fs::exists(place)) {
    std::cout << place.string() << " is here already\n";
    return;
  }
  fs::create_directories(coming);
  fs::create_directories(model_cache());
  for (const KnownFile& f : m->files) {
    if (fs::exists(coming / f.name)) continue;
    std::cerr << "fetching " << f.name << " (" << megabytes(f.bytes) << ")\n";
    fetch(f, coming / f.name, downloads);
  }
  verify_model(m->files.size() == 1 ? coming / m->files[0].name : coming);
  fs::rename(m->files.size() == 1 ? coming / m->files[0].name : coming, place);
  fs::remove_all(downloads);
  std::cout << place.string() << '\n';
}

}  // namespace

void add_model_commands(CLI::App& app, int&) {
  CLI::App* model = app.add_subcommand("model", "List, look into, check and fetch models");
  model->require_subcommand(1);
  struct Options {
    std::string name;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* l = model->add_subcommand("list", "The models that can be fetched, and where they are");
  l->add_flag("--json", options->json, "As JSON");
  l->callback([options] { list(options->json); });
  CLI::App* i = model->add_subcommand("info", "Layout, config and tensors of a model");
  i->add_option("model", options->name, "Name, file or folder")->required();
  i->add_flag("--json", options->json, "As JSON");
  i->callback([options] { info(options->name, options->json); });
  CLI::App* v = model->add_subcommand("verify", "Check sha256 (of known models), every length, and that every value is finite");
  v->add_option("model", options->name, "Name, file or folder")->required();
  v->callback([options] { verify(options->name); });
  CLI::App* p = model->add_subcommand("pull", "Fetch a known model");
  p->add_option("name", options->name, "As in npurt model list")->required();
  p->callback([options] { pull(options->name); });
  const std::string examples = "Examples:\n";
  model->footer(examples + "  npurt model list\n  npurt model pull base\n  npurt model info tiny.en");
  l->footer(examples + "  npurt model list --json");
  i->footer(examples + "  npurt model info tiny.en\n  npurt model info models/whisper-base/ --json");
  v->footer(examples + "  npurt model verify tiny.en\n  npurt model verify ggml-base.bin");
  p->footer(examples +
            "  npurt model pull base\nA pull that was cut off goes on where it was; nothing is used before its sha256 is right.");
}

}  // namespace npurt::cli
