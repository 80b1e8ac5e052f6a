// `npurt speakers enroll|list|identify`
#include <algorithm>
#include <cstdio>
#include <memory>

#include "commands.hpp"
#include "selection.hpp"
#include "voices.hpp"

namespace npurt::cli {

namespace {

struct Options {
  std::string name, file;
  std::vector<std::string> plugin_path;
};

void enroll(const Options& o) {
  Catalog catalog = open_catalog(o.plugin_path);
  const Voice voice = learn_voice(o.name, o.file, catalog);
  for (const Voice& other : kept_voices())
    if (const float c = cosine(voice, other); other.name != o.name && c >= 0.9F)
      throw Error(Exit::input, o.file + ": has the voice of '" + other.name + "' (cosine " + std::to_string(c).substr(0, 4) +
                                   "), who is enrolled already");
  keep_voice(voice);
  std::printf("%s: learnt from %.1f s of speech, kept in %s\n", o.name.c_str(), voice.seconds, voices_folder().c_str());
}

void list() {
  for (const Voice& v : kept_voices()) std::printf("%-20s %6.1f s\n", v.name.c_str(), v.seconds);
}

void identify(const Options& o) {
  std::vector<Voice> all = kept_voices();
  if (all.empty())
    throw Error(Exit::input,
                "nobody is enrolled in " + voices_folder().string() + "; begin with npurt speakers enroll NAME FILE");
  Catalog catalog = open_catalog(o.plugin_path);
  const Voice heard = learn_voice("unknown", o.file, catalog);
  std::stable_sort(all.begin(), all.end(), [&](const Voice& a, const Voice& b) { return cosine(heard, a) > cosine(heard, b); });
  for (const Voice& v : all) {
    const float c = cosine(heard, v);
    std::printf("%-20s cosine %.2f%s\n", v.name.c_str(), static_cast<double>(c), c < 0.75F ? ", another voice" : "");
  }
}

}  // namespace

void add_speakers_commands(CLI::App& app, int&) {
  CLI::App* speakers = app.add_subcommand("speakers", "Keep voices by name, and tell who speaks");
  speakers->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* e = speakers->add_subcommand("enroll", "Learn a voice from a file in which nobody else speaks");
  e->add_option("name", options->name, "What to call it; a voice of that name is replaced")->required()->type_name("NAME");
  e->add_option("file", options->file, "Some 10 s of speech or more")->required()->type_name("FILE");
  e->callback([options] { enroll(*options); });
  CLI::App* l = speakers->add_subcommand("list", "Who is enrolled");
  l->callback([] { list(); });
  CLI::App* i = speakers->add_subcommand("identify", "How near a file's voice is to each that is enrolled, nearest first");
  i->add_option("file", options->file, "A file in which one person speaks")->required()->type_name("FILE");
  i->callback([options] { identify(*options); });
  for (CLI::App* c : {e, i}) add_plugin_path(*c, options->plugin_path);
  const std::string examples = "Examples:\n";
  speakers->footer(examples + "  npurt speakers enroll anna anna.wav\n  npurt speakers identify who.wav");
  e->footer(examples + "  npurt speakers enroll anna anna.wav\n  npurt run graphs/meeting.yaml talk.wav --set enroll=anna");
  l->footer(examples + "  npurt speakers list");
  i->footer(examples + "  npurt speakers identify who.wav");
}

}  // namespace npurt::cli
