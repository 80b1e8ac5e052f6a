#include "voices.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace npurt::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// A name is a file's name, a label in every format and a word in a list.
void check_name(const std::string& name) {
  const bool good =
      !name.empty() && name.size() <= 100 && name[0] != '.' && name != "all" &&
      std::none_of(name.begin(), name.end(), [](unsigned char c) {
        return c <= ' ' || c == 0x7F || std::string_view("/\\=,:<>\"'").find(static_cast<char>(c)) != std::string_view::npos;
      });
  if (!good) throw Error(Exit::usage, "'" + name + "' cannot be a speaker's name: wanted up to 100 letters, digits, - and _");
}

Voice voice_of(const json& v, const std::string& name, const std::string& from) {
  Voice voice{name, 0, {}};
  const json none, &numbers = v.is_object() && v.contains("embedding") ? v["embedding"] : none;
  for (const json& x : numbers)
    if (x.is_number()) voice.embedding.push_back(x.get<float>());
  if (voice.embedding.empty() || voice.embedding.size() != numbers.size())
    throw Error(Exit::input, from + ": is not a voice; wanted JSON with 'embedding', a list of numbers");
  if (const auto s = v.find("seconds"); s != v.end() && s->is_number()) voice.seconds = *s;
  return voice;
}

}  // namespace

fs::path voices_folder() {
  const char *data = std::getenv("XDG_DATA_HOME"), *home = std::getenv("HOME");
  return (data && *data ? fs::path(data) : fs::path(home ? home : "") / ".local/share") / "npurt/speakers";
}

std::vector<Voice> kept_voices() {
  std::vector<Voice> all;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(voices_folder(), none)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream in(entry.path());
    all.push_back(voice_of(json::parse(in, nullptr, false), entry.path().stem().string(), entry.path().string()));
  }
  std::sort(all.begin(), all.end(), [](const Voice& a, const Voice& b) { return a.name < b.name; });
  return all;
}

void keep_voice(const Voice& voice) {
  check_name(voice.name);
  std::error_code error;
  fs::create_directories(voices_folder(), error);
  const fs::path file = voices_folder() / (voice.name + ".json"), part = file.string() + ".part";
  std::ofstream out(part);
  out << json{{"seconds", voice.seconds}, {"embedding", voice.embedding}}.dump() << '\n';
  out.close();
  if (out) fs::rename(part, file, error);
  if (!out || error) throw Error(Exit::run_failed, "cannot write " + file.string());
}

Voice learn_voice(const std::string& name, const std::string& file, Catalog& catalog) {
  check_name(name);
  Plan plan = make_plan(load_graph(share_folder() / "graphs/voice.yaml"), catalog);
  std::string text;
  RunOptions options;
  options.input = file;
  options.tap_nodes = "voice";
  options.tap = [&](const Tapped& t) {
    if (!t.out.empty() && t.out[0].data) text.assign(static_cast<const char*>(t.out[0].data), t.out[0].bytes);
  };
  run_plan(plan, options);
  return voice_of(json::parse(text, nullptr, false), name, file);
}

float cosine(const Voice& a, const Voice& b) {
  float both = 0;
  for (size_t i = 0; i < std::min(a.embedding.size(), b.embedding.size()); ++i) both += a.embedding[i] * b.embedding[i];
  return both;
}

void enroll_voices(Graph& graph, Catalog& catalog) {
  for (Node& node : graph.nodes) {
    const auto enroll = node.with.find("enroll");
    if (node.op != "diarize" || enroll == node.with.end() || enroll->second.value.empty()) continue;
    json voices = json::object();
    auto add = [&](const Voice& v) {
      if (voices.contains(v.name)) throw Error(Exit::usage, "enroll names '" + v.name + "' twice");
      voices[v.name] = v.embedding;
    };
    std::istringstream list(enroll->second.value);
    for (std::string entry; std::getline(list, entry, ',');) {
      entry.erase(0, entry.find_first_not_of(' '));
      entry.erase(entry.find_last_not_of(' ') + 1);
      if (const size_t equals = entry.find('='); equals != std::string::npos) {
        add(learn_voice(entry.substr(0, equals), entry.substr(equals + 1), catalog));
        continue;
      }
      const std::vector<Voice> kept = kept_voices();
      bool found = false;
      std::vector<std::string> names;
      for (const Voice& v : kept) {
        names.push_back(v.name);
        if (entry != "all" && entry != v.name) continue;
        add(v);
        found = true;
      }
      if (!found) {
        auto details = did_you_mean(entry, names);
        details.emplace_back("looked in", voices_folder().string());
        throw Error(Exit::input, {Diagnostic{enroll->second.place, "no speaker is enrolled as '" + entry + "'", details}});
      }
    }
    enroll->second.value = voices.dump();
  }
}

}  // namespace npurt::cli
