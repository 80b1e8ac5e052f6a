// `npurt plugin new` and `npurt plugin check`.
#include <cctype>
#include <fstream>
#include <iostream>

#include "check.hpp"
#include "commands.hpp"
#include "selection.hpp"

namespace npurt::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* kSource = R"(#include <npurt/plugin.hpp>

// Multiplies its input by `by` (default 2).
//
//   node: {op: @, in: other.out, use: @, with: {by: 3}}
class Stage {
 public:
  static constexpr auto op = "@";
  static constexpr auto signature = "x f32[T,D] -> y f32[T,D]";
  static constexpr auto device = "cpu";

  static void plan(npurt::Host, npurt::Specs in, npurt::Outs out) { out[0] = in[0]; }

  explicit Stage(npurt::Host host) : by_(static_cast<float>(host.number("by", 2, -100, 100))) {}

  void run(npurt::Call& call) {
    auto x = call.in(0);
    auto y = call.out(0);
    for (size_t i = 0; i < x.size(); ++i) y[i] = by_ * x[i];
  }

 private:
  float by_;
};

NPURT_PLUGIN("@", "0.1.0", Stage)
)";

constexpr const char* kBuild = R"(cmake_minimum_required(VERSION 3.25)
project(npurt_@ LANGUAGES CXX)
find_package(npurt REQUIRED)
npurt_plugin(@ @.cpp)

enable_testing()
find_program(NPURT npurt REQUIRED)
add_test(NAME check COMMAND ${NPURT} plugin check $<TARGET_FILE:npurt_@>)
)";

constexpr const char* kReadme = R"(# @

A plugin for npurt. Build and test it:

    cmake -S . -B build && cmake --build build && ctest --test-dir build

If npurt is not installed in a usual place, give cmake -DCMAKE_PREFIX_PATH=FOLDER. Use it with --plugin-path build.
)";

std::string filled(std::string text, const std::string& name) {
  for (size_t at = 0; (at = text.find('@', at)) != std::string::npos; at += name.size()) text.replace(at, 1, name);
  return text;
}

void make(const std::string& name) {
  bool fits = !name.empty() && std::islower(static_cast<unsigned char>(name[0]));
  for (unsigned char c : name) fits = fits && (std::islower(c) || std::isdigit(c) || c == '_');
  if (!fits) throw Error(Exit::usage, "'" + name + "' is no name for a plugin; wanted small letters, digits and _");
  if (fs::exists(name)) throw Error(Exit::usage, name + " exists already");
  fs::create_directory(name);
  const std::pair<std::string, const char*> files[] = {
      {name + ".cpp", kSource}, {"CMakeLists.txt", kBuild}, {"README.md", kReadme}};
  for (const auto& [file, text] : files)
    if (!(std::ofstream(fs::path(name) / file) << filled(text, name)))
      throw Error(Exit::run_failed, "cannot write " + name + "/" + file);
  std::cout << "made " << name << "; next:\n  cd " << name
            << "\n  cmake -S . -B build && cmake --build build && ctest --test-dir build\n";
}

}  // namespace

void add_plugin_commands(CLI::App& app, int& exit_code) {
  CLI::App* plugin = app.add_subcommand("plugin", "Make a plugin, or check one");
  plugin->require_subcommand(1);

  auto name = std::make_shared<std::string>();
  CLI::App* fresh = plugin->add_subcommand("new", "Make a folder with a plugin that builds, and its test");
  fresh->add_option("name", *name, "Of the plugin, the folder and its op")->type_name("NAME")->required();
  fresh->footer("Examples:\n  npurt plugin new echo");
  fresh->callback([name] { make(*name); });

  struct Options {
    KitOptions kit;
    std::string library;
    std::vector<std::string> with;
  };
  auto options = std::make_shared<Options>();
  CLI::App* check = plugin->add_subcommand("check", "Try every stage of a plugin against what npurt demands");
  check->add_option("library", options->library, "libnpurt_NAME.so")->type_name("FILE")->required();
  check->add_option("--with", options->with, "An option for its stages, as in a graph")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  check->add_option("--reference", options->kit.reference, "Candidate whose numbers are right")->type_name("CAND");
  check->add_option("--tolerance", options->kit.tolerance, "Of the error relative to the reference's values")
      ->capture_default_str();
  check->add_option("--size", options->kit.size, "Of dims that the signature leaves open")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  add_plugin_path(*check, options->kit.plugin_path);
  check->footer(
      "Examples:\n"
      "  npurt plugin check build/libnpurt_echo.so\n"
      "  npurt plugin check build/libnpurt_mine.so --reference cpu --size 384 --with model=graphs/models/tiny.en.safetensors \\\n"
      "    --with weight=encoder.ln_post.weight --with bias=encoder.ln_post.bias\n"
      "Exit code 4: something failed.");
  check->callback([options, &exit_code] {
    options->kit.library = options->library;
    options->kit.with = pairs("--with", "NAME=VALUE", options->with);
    if (!check_library(options->kit)) exit_code = static_cast<int>(Exit::plugin);
  });
}

}  // namespace npurt::cli
