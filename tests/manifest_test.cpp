// kernel.yaml is read strictly.
#include "../kernels/manifest.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "catch.hpp"

using namespace npurt_kernels;

namespace {

const std::filesystem::path kKernels = std::filesystem::path(NPURT_SOURCE_DIR) / "kernels";

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What reading the i8 manifest says when `from` in it is replaced by `to`.
std::string said(const std::string& from, const std::string& to) {
  const auto folder = std::filesystem::temp_directory_path() / ("npurt-manifest-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::string text = text_of(kKernels / "matmul/i8/kernel.yaml");
  REQUIRE(text.find(from) != std::string::npos);
  text.replace(text.find(from), from.size(), to);
  std::ofstream(folder / "kernel.yaml") << text;
  std::ofstream(folder / "kernel.cc") << "";
  std::string out;
  try {
    read_manifest(folder / "kernel.yaml");
  } catch (const npurt::Error& e) {
    CHECK(e.code == npurt::Exit::input);
    out = e.what();
  }
  std::filesystem::remove_all(folder);
  return out;
}

void says(const std::string& from, const std::string& to, std::initializer_list<const char*> parts) {
  const std::string text = said(from, to);
  INFO(text);
  for (const char* part : parts) CHECK(text.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("the manifests of the tree are read") {
  const Manifest m = read_manifest(kKernels / "matmul/i8/kernel.yaml");
  CHECK(m.id() == "matmul_i8");
  CHECK(m.memory() == 3328 + 2 * 64 * 64 + 2 * 64 * 64 + 2 * 4 * 64 * 64);
  CHECK(m.cycles[0] == std::pair<std::string, uint64_t>{"matmul_i8", 2584});
  CHECK(read_manifest(kKernels / "matmul/bf16/kernel.yaml").tolerance == 0.02);
}

TEST_CASE("what a manifest gets wrong is said with its place") {
  CHECK(said("stack: 3328", "stack: 3328") == "");
  says("functions:", "function:", {"kernel.yaml:7:1", "did you mean 'functions'?"});
  says("op: matmul", "op: matmull", {"there is no op 'matmull'"});
  says(", residual? f32[M,N] ->", " ->", {"kernel.yaml:4:12", "contract"});
  says("a f32[M,K]", "a float[M,K]", {"wanted a dtype"});
  says("[npu1]", "[npu7]", {"'npu7' is not one of the devices"});
  says("kernel.cc", "none.cc", {"none.cc"});
  says("m: 64", "m: 640", {"kernel.yaml:10:3", "a core has 65536"});
  says("m: 64", "m: -4", {"'-4' is not a whole number"});
  says("type: i8", "type: i7", {"unknown type 'i7'"});
  says("  matmul_i8_clear: 512\n", "", {"'matmul_i8_clear' is missing"});
  says("relative: 0", "relative: x", {"'x' is not a number from 0 to 1"});
  says("stack: 3328", "stack: 3328\nstack: 1", {"stack"});
}
