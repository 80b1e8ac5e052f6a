// `npurt manual FOLDER`: man pages and the shell's completion, made from the commands themselves when npurt is built.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <npurt/runtime.hpp>

#include "commands.hpp"

namespace npurt::cli {

namespace fs = std::filesystem;

namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  std::vector<const CLI::App*> all;
  for (const CLI::App* c : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!c->get_group().empty()) all.push_back(c);
  return all;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((i == 0 || text[i - 1] == '\n') && (text[i] == '.' || text[i] == '\'')) out += "\\&";
    if (text[i] == '\\') out += "\\e";
    else if (text[i] == '-') out += "\\-";
    else out += text[i];
  }
  return out;
}

std::string names_of(const CLI::Option& o) {
  std::string all;
  for (const std::string& s : o.get_snames()) all += (all.empty() ? "-" : ", -") + s;
  for (const std::string& s : o.get_lnames()) all += (all.empty() ? "--" : ", --") + s;
  return all;
}

// groff_man(7). `path` is "npurt run".
std::string page(const CLI::App& app, const std::string& path) {
  std::string title = path;
  std::replace(title.begin(), title.end(), ' ', '-');
  std::string options, positional;
  for (const CLI::Option* o : app.get_options()) {
    const std::string type = o->get_type_name().empty() || o->get_expected_max() == 0 ? "" : " " + o->get_type_name();
    if (!o->get_positional())
      options += ".TP\n\\fB" + escaped(names_of(*o)) + "\\fR" + escaped(type) + "\n" + escaped(o->get_description()) + "\n";
    else {
      positional += " " + (o->get_required() ? type.substr(1) : "[" + type.substr(1) + "]");
      options += ".TP\n\\fI" + escaped(type.substr(1)) + "\\fR\n" + escaped(o->get_description()) + "\n";
    }
  }
  std::string text = ".TH " + title + " 1 \"\" \"npurt " + version() + "\"\n.SH NAME\n" + escaped(title) + " \\- " +
                     escaped(app.get_description()) + "\n.SH SYNOPSIS\n\\fB" + escaped(path) + "\\fR";
  text += commands_of(app).empty() ? " [OPTION]..." + escaped(positional) + "\n" : " COMMAND ...\n";
  if (const auto commands = commands_of(app); !commands.empty()) {
    text += ".SH COMMANDS\n";
    for (const CLI::App* c : commands)
      text += ".TP\n\\fB" + escaped(c->get_name()) + "\\fR\n" + escaped(c->get_description()) + "\n";
  }
  if (!options.empty()) text += ".SH OPTIONS\n" + options;
  if (!app.get_footer().empty()) text += ".SH NOTES\n.nf\n" + escaped(app.get_footer()) + "\n.fi\n";
  return text;
}

struct Word {
  std::string path, words;
};

void words(const CLI::App& app, const std::string& path, std::vector<Word>& all) {
  std::string these;
  for (const CLI::App* c : commands_of(app)) these += (these.empty() ? "" : " ") + c->get_name();
  for (const CLI::Option* o : app.get_options())
    for (const std::string& name : o->get_lnames()) these += (these.empty() ? "--" : " --") + name;
  all.push_back({path, these});
  for (const CLI::App* c : commands_of(app)) words(*c, path + " " + c->get_name(), all);
}

// Subcommands and options by name, files for the rest.
std::string bash(const CLI::App& app) {
  std::vector<Word> all;
  words(app, "npurt", all);
  std::string text =
      "# bash completion for npurt\n_npurt() {\n  local path=npurt word words= i\n  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    word=\"$path ${COMP_WORDS[i]}\"\n    case \"$word\" in\n     ";
  for (size_t i = 1; i < all.size(); ++i) text += (i > 1 ? " | \"" : " \"") + all[i].path + "\"";
  text += ") path=$word ;;\n    esac\n  done\n  case \"$path\" in\n";
  for (const Word& w : all) text += "    \"" + w.path + "\") words=\"" + w.words + "\" ;;\n";
  return text +
         "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
         "complete -o default -F _npurt npurt\n";
}

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  if (!(std::ofstream(file) << text)) throw Error(Exit::run_failed, "cannot write " + file.string());
}

void write_pages(const CLI::App& app, const std::string& path, const fs::path& folder) {
  std::string name = path;
  std::replace(name.begin(), name.end(), ' ', '-');
  write(folder / "man/man1" / (name + ".1"), page(app, path));
  for (const CLI::App* c : commands_of(app)) write_pages(*c, path + " " + c->get_name(), folder);
}

}  // namespace

void add_manual_command(CLI::App& app, int&) {
  auto folder = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("manual", "Write man pages and the shell's completion")->group("");
  command->add_option("folder", *folder, "Where share/ of an installation is")->required();
  command->callback([folder, &app] {
    write_pages(app, "npurt", *folder);
    write(fs::path(*folder) / "bash-completion/completions/npurt", bash(app));
  });
}

}  // namespace npurt::cli
