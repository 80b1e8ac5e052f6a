// The committed model on the committed speech says, token for token, what PyTorch says with the same weights
// (tests/data/make-reference).
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <npurt/runtime.hpp>

#include "isa.hpp"

namespace {

nlohmann::json read(const std::filesystem::path& path) { return nlohmann::json::parse(std::ifstream(path)); }

nlohmann::json transcribe(const std::vector<std::pair<std::string, std::string>>& set) {
  const std::filesystem::path root = NPURT_SOURCE_DIR, out = std::filesystem::path(NPURT_BUILD_DIR) / "exactness.json";
  npurt::GraphOptions options;
  options.set = set;
  npurt::Catalog catalog({NPURT_PLUGIN_DIR});
  npurt::Plan plan = npurt::make_plan(npurt::load_graph(root / "graphs/transcribe.yaml", options), catalog);
  npurt::RunOptions run;
  run.input = (root / "graphs/samples/jfk.wav").string();
  run.values = {{"output", out.string()}, {"format", "json"}};
  npurt::run_plan(plan, run);
  const auto result = read(out);
  std::filesystem::remove(out);
  return result;
}

}  // namespace

TEST_CASE("f32 greedy tokens and their probability are PyTorch's") {
  if (npurt_test::lacks_level()) return;
  const auto reference = read(NPURT_SOURCE_DIR "/tests/data/jfk.json");
  REQUIRE(reference["min_gap"].get<double>() > 0.01);  // else rounding could decide
  const auto got = transcribe({{"precision", "f32"}, {"windows", "fixed"}, {"timestamps", "false"}, {"temperature", "0"}});
  REQUIRE(got["segments"].size() == 1);
  CHECK(got["segments"][0]["tokens"] == reference["tokens"]);
  CHECK(got["segments"][0]["avg_logprob"].get<double>() == Approx(reference["avg_logprob"].get<double>()).margin(2e-4));
}
