#include <algorithm>
#include <cstdlib>
#include <npurt/runtime.hpp>

namespace npurt {

std::filesystem::path model_cache() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  return (cache && *cache ? std::filesystem::path(cache) : std::filesystem::path(home ? home : "") / ".cache") / "npurt" /
         "models";
}

std::filesystem::path share_folder() {
  std::error_code none;
  return std::filesystem::read_symlink("/proc/self/exe", none).parent_path().parent_path() / "share" / "npurt";
}

ModelFinding find_model(const std::string& name, const std::filesystem::path& graph_folder) {
  namespace fs = std::filesystem;
  ModelFinding f;
  std::error_code none;
  auto found = [&](const fs::path& p) {
    if (std::find(f.looked_in.begin(), f.looked_in.end(), p.string()) == f.looked_in.end()) f.looked_in.push_back(p.string());
    if (!fs::exists(p, none)) return false;
    f.path = p;
    return true;
  };
  if (name.empty()) return f;
  if (name.find('/') != std::string::npos || name == "." || name == "..") {
    found(name);
    return f;
  }
  for (const fs::path& folder :
       {model_cache(), graph_folder / "models", graph_folder / ".." / "models", share_folder() / "graphs/models"})
    if (found((folder / name).lexically_normal()) || found((folder / (name + ".safetensors")).lexically_normal())) return f;
  return f;
}

}  // namespace npurt
