// Where the command line writes, and what its bar says.
#include "../tools/npurt/outputs.hpp"

#include <filesystem>
#include <fstream>

#include "../tools/npurt/progress.hpp"
#include "catch.hpp"

using namespace npurt::cli;
using Paths = std::vector<std::filesystem::path>;

TEST_CASE("the format comes from the option, then from the extension, and is txt at last") {
  CHECK(choose_format("", "") == "txt");
  CHECK(choose_format("", "talk.SRT") == "srt");
  CHECK(choose_format("json", "talk.srt") == "json");
  CHECK(choose_format("", "talk.final") == "txt");
  CHECK(choose_format("", "{name}.vtt") == "vtt");
}

TEST_CASE("outputs are stdout, a file, a folder or a pattern") {
  TemporaryFile anchor;
  const std::string folder = anchor.path().string() + ".d/";
  CHECK(output_files("", "txt", {"a.wav", "b.wav"}) == Paths{"", ""});
  CHECK(output_files("-", "txt", {"a.wav"}) == Paths{""});
  CHECK(output_files(folder + "x.txt", "txt", {"a.wav"}) == Paths{folder + "x.txt"});
  CHECK(output_files(folder, "srt", {"in/a.wav", "b.b.wav"}) == Paths{folder + "a.srt", folder + "b.b.srt"});
  CHECK(output_files(folder + "{}-{name}.x", "srt", {"a.wav", "b.wav"}) == Paths{folder + "a-a.x", folder + "b-b.x"});
  CHECK_THROWS_AS(output_files(folder + "x.txt", "txt", {"a.wav", "b.wav"}), npurt::Error);
  CHECK_THROWS_AS(output_files(folder, "txt", {"1/a.wav", "2/a.wav"}), npurt::Error);
  CHECK_THROWS_AS(output_files(anchor.path().string(), "txt", {anchor.path().string()}), npurt::Error);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a temporary file goes with its object") {
  std::filesystem::path path;
  {
    TemporaryFile file;
    path = file.path();
    CHECK(std::filesystem::exists(path));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("the bar shows what is done, how fast, and what is left") {
  CHECK(clock(5) == "0:05");
  CHECK(clock(3723.4) == "1:02:03");
  CHECK(progress_line(0, 0, 1) == "[                              ]");
  CHECK(progress_line(60, 120, 3) == "[===============               ] 50 %  1:00 of 2:00  20x realtime  ETA 0:03");
  CHECK(progress_line(130, 120, 4).find("100 %") != std::string::npos);
}
