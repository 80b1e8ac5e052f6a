#include <npurt/runtime.hpp>

#include "catch.hpp"

using namespace npurt;

TEST_CASE("a place leaves out what is unknown") {
  CHECK(Place{"a.yaml", 14, 22}.text() == "a.yaml:14:22");
  CHECK(Place{"a.yaml", 14, 0}.text() == "a.yaml:14");
  CHECK(Place{"a.yaml", 0, 0}.text() == "a.yaml");
  CHECK(Place{}.text().empty());
}

TEST_CASE("a diagnostic aligns its details") {
  Diagnostic d{{"graphs/transcribe.yaml", 14, 22},
               "no candidate accepts node 'encoder.0.fc1' (op matmul)",
               {{"wanted", "a f32[1500,384]"},
                {"tried npu_matmul:i8", "K=384 is not a multiple of 256"},
                {"tried cpu", "i8 is not f32"},
                {"hint", "npurt plan graphs/transcribe.yaml --why encoder.0.fc1"}}};
  CHECK(d.text() ==
        "graphs/transcribe.yaml:14:22: error: no candidate accepts node 'encoder.0.fc1' (op matmul)\n"
        "  wanted  a f32[1500,384]\n"
        "  tried   npu_matmul:i8  K=384 is not a multiple of 256\n"
        "  tried   cpu            i8 is not f32\n"
        "  hint    npurt plan graphs/transcribe.yaml --why encoder.0.fc1");
}

TEST_CASE("a diagnostic without a place still says that it is an error") {
  CHECK(Diagnostic{{}, "out of paper", {}}.text() == "error: out of paper");
}

TEST_CASE("an Error says all its diagnostics") {
  Error e(Exit::input, {{{"a", 1, 2}, "first", {}}, {{"a", 3, 4}, "second", {{"hint", "look"}}}});
  CHECK(std::string(e.what()) == "a:1:2: error: first\na:3:4: error: second\n  hint    look");
  CHECK(e.code == Exit::input);
  CHECK(e.diagnostics.size() == 2);

  Error one(Exit::device, "the NPU is gone");
  CHECK(std::string(one.what()) == "error: the NPU is gone");
  REQUIRE(one.diagnostics.size() == 1);
  CHECK(one.diagnostics[0].message == "the NPU is gone");
}
