#include "library.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <cstdlib>
#include <map>
#include <vector>

#include "elf.hpp"
#include "ops.hpp"

namespace npurt {
namespace {

using boost::dll::load_mode::rtld_local;
using boost::dll::load_mode::rtld_now;

constexpr std::string_view kSymbol = NPURT_PLUGIN_SYMBOL;
constexpr std::string_view kFamily = "npurt_plugin_v";

std::string base(const std::filesystem::path& file) { return file.filename().string(); }

// The version is in the symbol's name, so a foreign plugin is refused before its code runs.
void check_symbols(const std::filesystem::path& file) {
  std::vector<std::string> names;
  try {
    names = exported_symbols(file);
  } catch (const std::exception& e) {
    throw Unusable(base(file) + " " + e.what());
  }
  if (std::find(names.begin(), names.end(), kSymbol) != names.end()) return;
  for (const std::string& n : names)
    if (n.starts_with(kFamily))
      throw Unusable(base(file) + " speaks plugin ABI v" + n.substr(kFamily.size()) +
                     "; this npurt speaks v1. Rebuild it with the npurt 1.x headers.");
  throw Unusable(base(file) + " has no " + std::string(kSymbol) + " object; it is not an npurt plugin");
}

// dlerror's text alone: Boost adds an errno that says nothing.
std::string load_error(const std::filesystem::path& file) {
  const char* text = dlerror();
  std::string why = text ? text : "cannot be loaded";
  const std::string own = file.string() + ": ";
  if (why.starts_with(own)) why.erase(0, own.size());
  const bool foreign = why.find("undefined symbol") != std::string::npos || why.find("cannot open shared") != std::string::npos;
  return base(file) + ": " + why + (foreign ? " (needs a library that is not installed or not linked)" : "");
}

// By default an OpenMP thread that waits spins for some 15 ms before it sleeps, so that on processors that others use as well
// each barrier costs a time slice: 38 s for a file that takes 4. libgomp reads this when the first plugin brings it in; what the
// user has set stays. 500 turns are 8 to 25 us, longer than the gaps between a decoder's operations; with more, two programs at
// once give each other less (docs/benchmarks.md).
void wait_politely() {
  static const bool said = [] {
    if (!std::getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "500", 0);
    return true;
  }();
  static_cast<void>(said);
}

Stage check_stage(const npurt_stage* face, const std::string& plugin, const std::string& file) {
  auto wrong = [&](const std::string& what) { return Unusable(file + ": " + what); };
  if (!face || face->size < sizeof(npurt_stage)) throw wrong("a stage is smaller than ABI v1 has it");
  if (!face->op || !face->kernel || !face->signature || !face->device || !face->plan || !face->open || !face->run || !face->close)
    throw wrong("a stage leaves a field empty");
  Stage s{face, plugin, face->kernel, face->device, {}};
  const std::string who = "stage " + s.candidate() + " of op '" + face->op + "'";
  if (s.device != "cpu" && s.device != "npu" && s.device != "io")
    throw wrong(who + " names device '" + s.device + "'; there are cpu, npu and io");
  if (face->state > NPURT_STREAM) throw wrong(who + " has an unknown state " + std::to_string(face->state));
  try {
    s.signature = parse_signature(face->signature, face->op);
  } catch (const std::invalid_argument& e) {
    throw wrong(who + " has a wrong signature '" + face->signature + "': " + e.what());
  }
  if (const Signature* op = builtin_op(face->op)) {
    std::string why = narrows(s.signature, *op);
    if (!why.empty()) throw wrong(who + " does not fit the op's contract: " + why);
  }
  const bool per_packet = std::any_of(s.signature.in.begin(), s.signature.in.end(), [](const Port& p) { return !p.stream; });
  const bool per_file = std::any_of(s.signature.out.begin(), s.signature.out.end(), [](const Port& p) { return p.stream; });
  if (per_file && std::any_of(s.signature.out.begin(), s.signature.out.end(), [](const Port& p) { return !p.stream; }))
    throw wrong(who + " mixes @stream outputs with others, which come at other times");
  if (per_packet && per_file && !s.stream()) throw wrong(who + " has an @stream output, so it needs `stream = true`");
  return s;
}

Library check_plugin(const npurt_plugin& p, const std::filesystem::path& file) {
  if (p.size < sizeof(npurt_plugin) || !p.name || !p.version || (p.count && !p.stages))
    throw Unusable(base(file) + ": its npurt_plugin_v1 object is smaller than ABI v1 has it, or empty");
  if (p.name != plugin_name(file))
    throw Unusable(base(file) + " calls itself '" + p.name + "'; the name inside must equal the file's. Rename it to libnpurt_" +
                   p.name + ".so.");
  Library lib{p.name, p.version, file, {}};
  for (uint32_t i = 0; i < p.count; ++i) lib.stages.push_back(check_stage(p.stages[i], lib.name, base(file)));
  return lib;
}

}  // namespace

std::string plugin_name(const std::filesystem::path& file) {
  const std::string f = base(file), prefix = "libnpurt_", suffix = ".so";
  if (!f.starts_with(prefix) || !f.ends_with(suffix) || f.size() <= prefix.size() + suffix.size()) return "";
  return f.substr(prefix.size(), f.size() - prefix.size() - suffix.size());
}

const Library& load_library(const std::filesystem::path& path) {
  // Never destroyed: stages stay callable until the process ends, whoever holds them.
  struct Loaded {
    boost::dll::shared_library code;
    Library library;
  };
  static auto& loaded = *new std::map<std::filesystem::path, Loaded>;

  const std::filesystem::path file = std::filesystem::absolute(path).lexically_normal();
  if (auto it = loaded.find(file); it != loaded.end()) return it->second.library;
  check_symbols(file);
  std::error_code failed;
  wait_politely();
  boost::dll::shared_library code;
  code.load(file, failed, rtld_now | rtld_local);
  if (failed) throw Unusable(load_error(file));
  const auto& face = code.get<const npurt_plugin>(NPURT_PLUGIN_SYMBOL);
  auto [it, added] = loaded.emplace(file, Loaded{std::move(code), {}});
  try {
    it->second.library = check_plugin(face, file);
  } catch (...) {
    static auto& refused = *new std::vector<Loaded>;
    refused.push_back(std::move(it->second));
    loaded.erase(it);
    throw;
  }
  return it->second.library;
}

const Signature* builtin_op(const std::string& name) {
  static const auto ops = [] {
    std::map<std::string, Signature> m;
    for (const std::string& line : builtin_ops()) {
      Signature s = parse_signature(line);
      m.emplace(s.op, s);
    }
    return m;
  }();
  auto it = ops.find(name);
  return it == ops.end() ? nullptr : &it->second;
}

}  // namespace npurt
