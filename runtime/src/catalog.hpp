// The plugins of a search path: found by name, checked before any of their code runs, loaded once and never unloaded.
#pragma once

#include <npurt/abi.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <npurt/runtime.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "library.hpp"

namespace npurt {

class Plugins {
 public:
  explicit Plugins(std::vector<std::filesystem::path> folders) : folders_(std::move(folders)) {}

  const std::vector<std::filesystem::path>& folders() const { return folders_; }
  // Every libnpurt_NAME.so in search order, shadowed copies too: name and file.
  std::vector<std::pair<std::string, std::filesystem::path>> files() const;
  // Names of files(), each once.
  std::vector<std::string> names() const;

  // The plugin `name`, loaded on its first use; a library from outside npurt's own folders is tried in a child process first, so
  // that one that crashes or hangs is a sentence. Throws Unusable. Only the thread that made this object loads (device runtimes
  // dlopen too, and deadlock against each other on several threads); another thread gets what is loaded already.
  const Library& library(const std::string& name);

  // The contract of an op: built in, or as the first loaded plugin that has it declares it. Null if unknown.
  const Signature* op(const std::string& name) const;
  std::vector<std::string> ops() const;

 private:
  struct Entry {
    const Library* library = nullptr;
    std::string why_not;
  };
  const Library& load(const std::string& name);
  void adopt(const Library& library);

  const std::vector<std::filesystem::path> folders_;
  const std::thread::id home_ = std::this_thread::get_id();
  mutable std::mutex mutex_;
  std::map<std::string, Entry> seen_;
  std::map<std::string, std::pair<std::string, Signature>> added_ops_;  // op -> (plugin, contract)
};

struct Catalog::Body {
  std::shared_ptr<Plugins> plugins;
};

}  // namespace npurt
