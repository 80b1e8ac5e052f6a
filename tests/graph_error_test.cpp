// Every tests/data/errors/NAME.yaml ends with exactly the text of NAME.txt. A comment in a file's first line gives the options:
// "# npurt plan --set a=b --use c=d --require e=f --strict". Texts are approved by reading them: NPURT_APPROVE=1 writes them.
#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "catch.hpp"
#include "toys.hpp"

using namespace npurt;
using namespace npurt_test;
namespace fs = std::filesystem;

namespace {

struct Options {
  GraphOptions graph;
  PlanOptions plan;
};

Options options_in(const std::string& text) {
  Options o;
  std::istringstream words(text.starts_with("# npurt plan") ? text.substr(0, text.find('\n')) : "");
  for (std::string word; words >> word;) {
    if (word == "--strict") o.plan.strict = true;
    if (word != "--set" && word != "--use" && word != "--require") continue;
    std::string pair;
    words >> pair;
    const size_t equals = pair.find('=');
    auto& list = word == "--set" ? o.graph.set : word == "--use" ? o.graph.use : o.plan.require;
    list.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return o;
}

std::string outcome(const fs::path& file) {
  const Options o = options_in(read(file));
  Catalog catalog({NPURT_PLUGIN_DIR, NPURT_TEST_PLUGINS});
  try {
    make_plan(load_graph(file, o.graph), catalog, o.plan);
  } catch (const Error& e) {
    std::string text = std::string(e.what()) + "\nexit code " + std::to_string(static_cast<int>(e.code)) + "\n";
    for (const std::string build = NPURT_BUILD_DIR; text.find(build) != std::string::npos;)
      text.replace(text.find(build), build.size(), "BUILD");
    return text;
  }
  return "no error\n";
}

}  // namespace

TEST_CASE("approved errors of graphs") {
  setenv("XDG_CACHE_HOME", "/nowhere", 1);
  fs::current_path(NPURT_SOURCE_DIR);
  int files = 0;
  for (const auto& entry : fs::directory_iterator("tests/data/errors")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    const fs::path approved = fs::path(entry.path()).replace_extension(".txt");
    const std::string is = outcome(entry.path());
    if (std::getenv("NPURT_APPROVE")) std::ofstream(approved) << is;
    INFO(entry.path());
    CHECK(is == read(approved));
  }
  CHECK(files >= 30);
}

TEST_CASE("a graph of more than a megabyte is refused before it is read, however deep") {
  Folder folder;
  const auto file = folder.write("deep.yaml", "npurt: " + std::string(5 << 20, '[') + std::string(5 << 20, ']') + "\n");
  const Error e = error_of([&] { load_graph(file); });
  CHECK(e.code == Exit::input);
  CHECK(std::string(e.what()) == file.string() + ": error: the file has 10485768 bytes; a graph has at most 1048576");
}

TEST_CASE("deep nesting below a megabyte stops at level 64") {
  Folder folder;
  for (const char* open : {"[", "{a: ", "- "}) {
    std::string text = "npurt: ";
    for (int i = 0; i < 100000; ++i) text += open;
    const auto file = folder.write("deep.yaml", text);
    const Error e = error_of([&] { load_graph(file); });
    INFO(open);
    CHECK(e.code == Exit::input);
    CHECK(e.diagnostics[0].place.line == 1);
  }
}

TEST_CASE("files that are no text") {
  Folder folder;
  CHECK(std::string(error_of([&] { load_graph(folder.path()); }).what()) ==
        folder.path().string() + ": error: is a folder, not a graph file");
  const Error none = error_of([&] { load_graph(folder.path() / "none.yaml"); });
  CHECK(std::string(none.what()).find("none.yaml: error: cannot be opened: No such file or directory") != std::string::npos);
  const auto file = folder.write("nul.yaml", std::string("npurt: 1\nname: \0x\n", 18));
  CHECK(std::string(error_of([&] { load_graph(file); }).what()) ==
        file.string() + ":2: error: the file holds a NUL byte; it is not text");
}
