#include "catalog.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "ops.hpp"

namespace npurt {
namespace {

// Where npurt's own plugins are, beside the program: <prefix>/lib/npurt, or the distribution's lib folder.
std::vector<std::filesystem::path> own_folders() {
  std::error_code none;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", none);
  if (none) return {};
  const auto prefix = program.parent_path().parent_path();
  std::vector<std::filesystem::path> out{prefix / "lib" / "npurt"};
  const auto distribution = prefix / NPURT_LIBDIR / "npurt";
  if (distribution != out[0] && std::filesystem::is_directory(distribution, none)) out.push_back(distribution);
  return out;
}

bool is_own(const std::filesystem::path& file) {
  const auto folder = std::filesystem::absolute(file).lexically_normal().parent_path();
  const auto own = own_folders();
  return std::find(own.begin(), own.end(), folder) != own.end();
}

}  // namespace

std::vector<std::pair<std::string, std::filesystem::path>> Plugins::files() const {
  std::vector<std::pair<std::string, std::filesystem::path>> out;
  for (const auto& folder : folders_) {
    std::vector<std::filesystem::path> here;
    std::error_code none;
    for (const auto& e : std::filesystem::directory_iterator(folder, none))
      if (!plugin_name(e.path()).empty()) here.push_back(e.path());
    std::sort(here.begin(), here.end());
    for (const auto& f : here) out.emplace_back(plugin_name(f), f);
  }
  return out;
}

std::vector<std::string> Plugins::names() const {
  std::vector<std::string> out;
  for (const auto& [name, file] : files())
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  return out;
}

const Library& Plugins::library(const std::string& name) {
  std::lock_guard lock(mutex_);
  Entry& entry = seen_[name];
  if (!entry.library && entry.why_not.empty()) {
    if (std::this_thread::get_id() != home_) throw Unusable("plugin '" + name + "' was not loaded before the run");
    try {
      entry.library = &load(name);
    } catch (const Unusable& e) {
      entry.why_not = e.what();
    }
  }
  if (!entry.library) throw Unusable(entry.why_not);
  return *entry.library;
}

const Library& Plugins::load(const std::string& name) {
  for (const auto& folder : folders_) {
    const auto file = folder / ("libnpurt_" + name + ".so");
    std::error_code none;
    if (!std::filesystem::exists(file, none)) continue;
    if (!is_own(file)) {
      const PluginInfo seen = probe_library(file);
      if (!seen.error.empty()) throw Unusable(seen.error);
    }
    const Library& library = load_library(file);
    adopt(library);
    return library;
  }
  throw Unusable("plugin '" + name + "' not found");
}

void Plugins::adopt(const Library& library) {
  for (const Stage& s : library.stages) {
    const std::string op = s.face->op;
    if (builtin_op(op)) continue;
    auto [it, added] = added_ops_.try_emplace(op, library.name, s.signature);
    const auto& [owner, contract] = it->second;
    if (!added && !narrows(s.signature, contract).empty())
      throw Unusable("plugins '" + owner + "' and '" + library.name + "' declare op '" + op +
                     "' differently: " + contract.text() + " / " + s.signature.text());
  }
}

const Signature* Plugins::op(const std::string& name) const {
  if (const Signature* s = builtin_op(name)) return s;
  std::lock_guard lock(mutex_);
  auto it = added_ops_.find(name);
  return it == added_ops_.end() ? nullptr : &it->second.second;
}

std::vector<std::string> Plugins::ops() const {
  std::vector<std::string> out;
  for (const std::string& line : builtin_ops()) out.push_back(line.substr(0, line.find(':')));
  std::lock_guard lock(mutex_);
  for (const auto& [name, ignored] : added_ops_) out.push_back(name);
  return out;
}

Catalog::Catalog(std::vector<std::filesystem::path> folders)
    : body_(std::make_unique<Body>(Body{std::make_shared<Plugins>(std::move(folders))})) {}
Catalog::~Catalog() = default;
Catalog::Catalog(Catalog&&) noexcept = default;
Catalog& Catalog::operator=(Catalog&&) noexcept = default;

const std::vector<std::filesystem::path>& Catalog::folders() const { return body_->plugins->folders(); }

std::vector<std::filesystem::path> Catalog::search_path(const std::vector<std::filesystem::path>& first) {
  std::vector<std::filesystem::path> out;
  auto add = [&](const std::filesystem::path& p) {
    // An empty entry means the current folder to most programs; never to npurt.
    if (!p.empty() && std::find(out.begin(), out.end(), p) == out.end()) out.push_back(p);
  };
  for (const auto& p : first) add(p);
  if (const char* env = std::getenv("NPURT_PLUGIN_PATH")) {
    std::stringstream entries(env);
    for (std::string p; std::getline(entries, p, ':');) add(p);
  }
  for (const auto& p : own_folders()) add(p);
  return out;
}

std::vector<PluginInfo> Catalog::inspect() const {
  std::vector<PluginInfo> out;
  std::map<std::string, std::filesystem::path> first;
  for (const auto& [name, file] : body_->plugins->files()) {
    auto [it, is_first] = first.try_emplace(name, file);
    out.push_back(is_first ? probe_library(file) : PluginInfo{file, name, "", "", it->second, {}});
  }
  return out;
}

}  // namespace npurt
