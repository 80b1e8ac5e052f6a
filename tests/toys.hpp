// Graphs of toy stages (tests/plugins), planned and run: for tests of the runtime.
#pragma once

#include <npurt/runtime.hpp>
#include <stdexcept>
#include <string>

#include "folder.hpp"

namespace npurt_test {

// What f stops with.
template <typename F>
npurt::Error error_of(F&& f) {
  try {
    f();
  } catch (const npurt::Error& e) {
    return e;
  }
  throw std::logic_error("there was no error");
}

struct Toys {
  Folder folder;
  npurt::Catalog catalog{{NPURT_TEST_PLUGINS}};
  npurt::GraphOptions graph_options;
  npurt::PlanOptions plan_options;
  npurt::RunOptions run_options;

  // `nodes` is what follows "nodes:" in toy.yaml, one node a line from line 4 on.
  npurt::Graph graph(const std::string& nodes) const {
    return npurt::load_graph(folder.write("toy.yaml", "npurt: 1\nname: toy\nnodes:\n" + nodes), graph_options);
  }
  npurt::Plan plan(const std::string& nodes) { return npurt::make_plan(graph(nodes), catalog, plan_options); }
  npurt::Report run(npurt::Plan& plan) {
    run_options.values["output"] = output().string();
    return npurt::run_plan(plan, run_options);
  }
  // What a run wrote to $output.
  std::string written() const { return read(output()); }
  std::string run(const std::string& nodes) {
    npurt::Plan planned = plan(nodes);
    run(planned);
    return written();
  }

 private:
  std::filesystem::path output() const { return folder.path() / "out.txt"; }
};

}  // namespace npurt_test
