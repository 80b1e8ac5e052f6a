// compile_manifests FOLDER devices.yaml kernel.yaml…: checks the files and writes the tables that the build includes,
// FOLDER/generations.hpp and FOLDER/manifests.hpp.
#include <cstdio>
#include <fstream>

#include "generation.hpp"
#include "manifest.hpp"

namespace {

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  if (!out.flush()) throw npurt::Error(npurt::Exit::run_failed, "cannot write " + file.string());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: compile_manifests FOLDER devices.yaml kernel.yaml…\n");
    return 2;
  }
  try {
    const std::filesystem::path folder = argv[1];
    write(folder / "generations.hpp", npurt_kernels::generation_header(argv[2]));
    std::vector<npurt_kernels::Manifest> all;
    for (int i = 3; i < argc; ++i) all.push_back(npurt_kernels::read_manifest(argv[i]));
    write(folder / "manifests.hpp", npurt_kernels::manifest_header(all));
  } catch (const npurt::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return static_cast<int>(e.code);
  }
}
