// Libraries that are no plugins, or bad ones: each is one clear sentence, found without harm to this process.
#include "library.hpp"

#include <map>
#include <random>

#include "catch.hpp"
#include "elf.hpp"
#include "toys.hpp"

using namespace npurt;
using namespace npurt_test;
namespace fs = std::filesystem;

namespace {

const fs::path kBad = NPURT_BAD_PLUGINS, kGood = NPURT_TEST_PLUGINS;

// What is said of a file libnpurt_made.so with these bytes.
std::string said_of(const std::string& bytes) {
  Folder folder;
  folder.write("libnpurt_made.so", bytes);
  const auto found = Catalog({folder.path()}).inspect();
  REQUIRE(found.size() == 1);
  return found[0].error;
}

}  // namespace

TEST_CASE("each bad library is one sentence") {
  std::map<std::string, std::string> said;
  for (const PluginInfo& p : Catalog({kBad}).inspect()) {
    said[p.name] = p.error;
    if (!p.error.empty()) CHECK(p.stages.empty());
  }
  CHECK(said.at("wrong_abi") ==
        "libnpurt_wrong_abi.so speaks plugin ABI v2; this npurt speaks v1. Rebuild it with the npurt 1.x headers.");
  CHECK(said.at("no_symbol") == "libnpurt_no_symbol.so has no npurt_plugin_v1 object; it is not an npurt plugin");
  CHECK(said.at("crashes") == "libnpurt_crashes.so crashes when it is loaded (Aborted)");
  CHECK(said.at("exits") == "libnpurt_exits.so ends the process when it is loaded (exit code 7)");
  CHECK(said.at("hangs") == "libnpurt_hangs.so is still loading after 10 s; its initialiser hangs");
  CHECK(said.at("undefined_symbol") ==
        "libnpurt_undefined_symbol.so: undefined symbol: nobody_defines_this (needs a library that is not installed or not "
        "linked)");
  CHECK(said.at("misnamed") ==
        "libnpurt_misnamed.so calls itself 'other'; the name inside must equal the file's. Rename it to libnpurt_other.so.");
  CHECK(said.at("empty_fields") == "libnpurt_empty_fields.so: a stage leaves a field empty");
  CHECK(said.at("redefines_op") ==
        "libnpurt_redefines_op.so: stage redefines_op of op 'matmul' does not fit the op's contract: wanted 2 inputs, got 1");
  CHECK(said.at("bad_signature") ==
        "libnpurt_bad_signature.so: stage bad_signature of op 'bad_signature' has a wrong signature 'x f32[N] -> y float[N]': "
        "column 15: wanted a dtype (f32, f16, bf16, i8, u8, i32, i64 or json), got 'float'");
  CHECK(said.at("bad_device") ==
        "libnpurt_bad_device.so: stage bad_device of op 'bad_device' names device 'gpu'; there are cpu, npu and io");
  CHECK(said.at("stateless_total") ==
        "libnpurt_stateless_total.so: stage stateless_total of op 'stateless_total' has an @stream output, so it needs "
        "`stream = true`");
  CHECK(said.at("mixed_outputs") ==
        "libnpurt_mixed_outputs.so: stage mixed_outputs of op 'mixed_outputs' mixes @stream outputs with others, which come at "
        "other times");
  CHECK(said.at("declares_otherwise").empty());  // only beside the plugin toy is it wrong
}

TEST_CASE("a good plugin tells its stages") {
  for (const PluginInfo& p : Catalog({kGood}).inspect()) {
    CHECK(p.error.empty());
    CHECK(p.version == "1.0.0");
    if (p.name != "toy") continue;
    REQUIRE(p.stages.size() == 12);
    CHECK(p.stages[1].candidate() == "toy:plain");
    CHECK(p.stages[1].signature == "x f32[N] -> y f32[N]");
    CHECK(p.stages[5].op == "total");
    CHECK(p.stages[5].candidate() == "toy");
    CHECK(p.stages[5].stream);
  }
}

TEST_CASE("files that are no shared library") {
  const std::string good = read(kGood / "libnpurt_toy.so");
  REQUIRE(good.size() > 10000);
  CHECK(said_of("") == "libnpurt_made.so is not a shared library for this machine");
  CHECK(said_of("#!/bin/sh\n" + std::string(200, 'x')) == "libnpurt_made.so is not a shared library for this machine");
  std::string other = good;
  other[4] = 1;  // 32 bits
  CHECK(said_of(other) == "libnpurt_made.so is not a shared library for this machine");
  CHECK(said_of(good.substr(0, good.size() / 2)) == "libnpurt_made.so is damaged: its section table lies outside the file");
  Folder folder;
  fs::create_directory(folder.path() / "libnpurt_made.so");
  CHECK(probe_library(folder.path() / "libnpurt_made.so").error.starts_with("libnpurt_made.so"));
}

TEST_CASE("no damage of a library's tables is more than a sentence") {
  const std::string good = read(kGood / "libnpurt_broken.so");
  Folder folder;
  std::mt19937 chance(1);
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::string bytes = good;
    // The header, or the section table, which is at the end of the file.
    for (int flips = 1 + round % 4; flips > 0; --flips)
      bytes[round % 2 ? chance() % 64 : bytes.size() - 1 - chance() % 2000] = static_cast<char>(chance());
    const fs::path file = folder.write("x.so", bytes);
    try {
      exported_symbols(file);
    } catch (const std::runtime_error& e) {
      CHECK(!std::string(e.what()).empty());
      ++refused;
    }
  }
  CHECK(refused > 50);
}

TEST_CASE("the first copy of a plugin wins, and the others are shown") {
  Folder first, second;
  fs::copy(kGood / "libnpurt_toy.so", first.path());
  fs::copy(kGood / "libnpurt_toy.so", second.path());
  second.write("readme.txt", "not a plugin");
  second.write("libnpurt_.so", "not a name");
  const auto found = Catalog({first.path(), second.path(), "/nowhere"}).inspect();
  REQUIRE(found.size() == 2);
  CHECK(found[0].file == first.path() / "libnpurt_toy.so");
  CHECK(found[0].shadowed_by.empty());
  CHECK(found[0].stages.size() == 12);
  CHECK(found[1].file == second.path() / "libnpurt_toy.so");
  CHECK(found[1].shadowed_by == found[0].file);
  CHECK(found[1].stages.empty());
}

TEST_CASE("the search path: options, environment, beside the program, never the current folder") {
  setenv("NPURT_PLUGIN_PATH", "/env/a::/env/b:/first", 1);
  const auto path = Catalog::search_path({"/first", "", "/second"});
  unsetenv("NPURT_PLUGIN_PATH");
  REQUIRE(path.size() >= 5);
  CHECK(std::vector<fs::path>(path.begin(), path.begin() + 4) == std::vector<fs::path>{"/first", "/second", "/env/a", "/env/b"});
  CHECK(path[4] == fs::path(NPURT_PLUGIN_DIR));
}

TEST_CASE("a plugin that cannot be used stops the plan with exit code 4") {
  Toys toys;
  const std::string rest = "  s: {op: scale, use: toy, in: n}\n  out: {op: write, use: toy, in: s, with: {path: x}}\n";
  const Error none = error_of([&] { toys.plan("  n: {op: count, use: nowhere}\n" + rest); });
  CHECK(none.code == Exit::plugin);
  CHECK(std::string(none.what()).find("plugin 'nowhere' not found") != std::string::npos);

  toys.catalog = Catalog({kGood, kBad});
  const Error crashes =
      error_of([&] { toys.plan("  n: {op: count, use: [crashes, toy]}\n  m: {op: crashes, use: crashes}\n" + rest); });
  CHECK(crashes.code == Exit::plugin);
  CHECK(crashes.diagnostics.size() == 1);  // `n` has another candidate
  CHECK(std::string(crashes.what()).find("libnpurt_crashes.so crashes when it is loaded (Aborted)") != std::string::npos);

  const Error differs =
      error_of([&] { toys.plan("  n: {op: count, use: toy}\n  d: {op: scale, use: declares_otherwise, in: n}\n" + rest); });
  CHECK(differs.code == Exit::plugin);
  CHECK(std::string(differs.what()).find("declare op 'scale' differently: ") != std::string::npos);
}
