// transcript_sink: files that other programs read, and what is left when a run fails.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "folder.hpp"
#include "stage.hpp"

using namespace npurt_test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const npurt_plugin& plugin() {
  static const npurt_plugin& p = load(NPURT_PLUGIN_DIR "/libnpurt_audio.so");
  return p;
}

struct Sink {
  Sink(const std::string& path, const std::string& format) : stage(plugin(), "transcript_sink") {
    stage.options = {{"path", path}, {"format", format}};
    stage.open({npurt::Spec(NPURT_JSON, {NPURT_UNKNOWN})}, 0);
  }
  void packet(const json& p) { stage.run({Tensor::json(p.dump())}, false, 2); }
  void end() { stage.run({}, true, 2); }
  Stage stage;
};

// Two windows. Their texts hold what each format must mind, and the times go back where the windows meet.
const std::vector<json> kPackets = {
    {{"start", 0.5},
     {"end", 20.25},
     {"language", "en"},
     {"regions", {{0.5, 9.0}, {12.0, 20.0}}},
     {"segments",
      {{{"start", 0.5}, {"end", 4.0}, {"text", " From A --> B, \"said\" he & <she>."}},
       {{"start", 4.0}, {"end", 9.0}, {"text", "\"An open quote\tand a tab\nand a line"}},
       {{"start", 12.0}, {"end", 20.25}, {"text", "Žluťoučký kůň, 日本語, 🎤"}},
       {{"start", 20.25}, {"end", 20.25}, {"text", "  "}}}}},
    {{"start", 20.0},
     {"end", 3725.5},
     {"language", "en"},
     {"segments",
      {{{"start", 20.0}, {"end", 21.0}, {"text", "7"}}, {{"start", 3723.004}, {"end", 3725.5}, {"text", "WEBVTT"}}}}}};

}  // namespace

TEST_CASE("Python and FFmpeg read every format as what was written") {
  Folder folder;
  for (const char* format : {"txt", "json", "srt", "vtt", "tsv"}) {
    Sink sink(folder.file(std::string("full.") + format), format), empty(folder.file(std::string("empty.") + format), format);
    for (const json& p : kPackets) sink.packet(p);
    sink.end();
    empty.end();
  }
  const std::string command =
      std::string(NPURT_PYTHON) + " " NPURT_SOURCE_DIR "/tests/transcript_check.py " + folder.path().string();
  CHECK(std::system(command.c_str()) == 0);
}

TEST_CASE("a transcript appears when it is complete") {
  Folder folder;
  const std::string path = folder.file("a.txt");
  Sink sink(path, "txt");
  sink.packet(kPackets[0]);
  CHECK_FALSE(fs::exists(path));
  CHECK(read(path + ".part").find("From A") == 0);
  sink.end();
  CHECK(read(path).find("From A") == 0);
  CHECK_FALSE(fs::exists(path + ".part"));
}

TEST_CASE("a run that fails leaves the old transcript as it was") {
  Folder folder;
  const std::string path = folder.file("a.txt");
  std::ofstream(path) << "old";
  {
    Sink sink(path, "txt");
    sink.packet(kPackets[0]);
  }
  CHECK(read(path) == "old");
  CHECK_FALSE(fs::exists(path + ".part"));
}

TEST_CASE("a replaced file keeps its mode, and a link stays a link") {
  Folder folder;
  const std::string path = folder.file("a.txt"), link = folder.file("link.txt");
  std::ofstream(path) << "old";
  chmod(path.c_str(), 0600);
  fs::create_symlink(path, link);
  Sink sink(link, "txt");
  sink.end();
  CHECK(fs::is_symlink(link));
  CHECK(read(path).empty());
  CHECK((fs::status(path).permissions() & fs::perms::all) == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("what is no ordinary file is written directly") {
  Sink sink("/dev/null", "srt");
  sink.packet(kPackets[0]);
  sink.end();
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("a file that cannot be written is named") {
  Folder folder;
  const auto said = [](const std::string& path) -> std::string {
    try {
      Sink sink(path, "txt");
      for (int i = 0; i < 100; ++i) sink.packet(kPackets[0]);
      sink.end();
    } catch (const Stopped& s) {
      CHECK(s.code == NPURT_BAD_CONFIG);
      return s.what();
    }
    return "(nothing)";
  };
  CHECK(said(folder.file("none/a.txt")) == folder.file("none/a.txt") + ": cannot be written: No such file or directory");
  CHECK(said(folder.path()) == folder.path().string() + ": cannot be written: Is a directory");
  CHECK(said("/dev/full") == "/dev/full: cannot be written: No space left on device");
}

TEST_CASE("an unknown format is refused before anything runs") {
  Stage stage(plugin(), "transcript_sink");
  stage.options = {{"format", "pdf"}};
  CHECK_THROWS_WITH(stage.plan({npurt::Spec(NPURT_JSON, {NPURT_UNKNOWN})}, 0),
                    "format is 'pdf'; wanted txt, json, srt, vtt, tsv or rttm");
}
