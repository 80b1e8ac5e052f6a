#include "generation.hpp"

#include "document.hpp"
#include "reader.hpp"

namespace npurt_kernels {

using npurt::Yaml;

namespace {

const std::vector<std::string> kWhole = {"columns",        "rows",          "transaction",      "core_memory",
                                         "memtile_memory", "shim_channels", "memtile_channels", "core_channels",
                                         "shim_bds",       "memtile_bds",   "core_bds",         "shim_locks",
                                         "memtile_locks",  "core_locks",    "task_queue",       "contexts"};
const std::vector<std::string> kCost = {"run_cycles", "page_cycles", "memory_gb_s", "dispatch_us",
                                        "listed_us",  "list_us",     "switch_us"};

std::string quoted(const std::string& s) {
  std::string out = "\"";
  for (char c : s) out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  return out + "\"";
}

}  // namespace

std::string generation_header(const std::filesystem::path& devices) {
  std::vector<npurt::Diagnostic> errors;
  const Yaml root = npurt::parse_yaml(npurt::read_text(devices), devices.string(), errors);
  if (!errors.empty()) throw npurt::Error(npurt::Exit::input, errors);
  Reader r(errors);
  r.keys(root, {"npurt", "devices"});
  if (r.text(root, "npurt") != "1") r.wrong(root, "key 'npurt' must be 1");

  std::string out =
      "// Made from configs/devices.yaml by compile_manifests.\n#pragma once\n\nnamespace npurt_npu {\n\nstruct Generation {\n"
      "  const char *name, *title, *pci;\n  unsigned ";
  for (size_t i = 0; i < kWhole.size(); ++i) out += (i ? ", " : "") + kWhole[i];
  out += ";\n  double clock_ghz";
  for (const std::string& c : kCost) out += ", " + c;
  out += ";\n};\n\ninline constexpr Generation kGenerations[] = {\n";
  std::vector<std::string> keys = kWhole;
  keys.insert(keys.end(), {"title", "pci", "clock_ghz", "cost"});
  if (const Yaml* all = r.need(root, "devices", Yaml::map))
    for (const auto& [name, d] : all->items) {
      if (!is_name(name.text)) r.wrong(name, "'" + name.text + "' is not a name");
      r.keys(d, keys);
      out += "    {" + quoted(name.text) + ", " + quoted(r.text(d, "title")) + ", " + quoted(r.text(d, "pci"));
      for (const std::string& k : kWhole) out += ", " + std::to_string(r.whole(d, k, 1));
      out += ", " + std::to_string(r.real(d, "clock_ghz", 0.1, 10));
      if (const Yaml* cost = r.need(d, "cost", Yaml::map)) {
        r.keys(*cost, kCost);
        for (const std::string& k : kCost) out += ", " + std::to_string(r.real(*cost, k, 0, 1e6));
      }
      out += "},\n";
    }
  if (!errors.empty()) throw npurt::Error(npurt::Exit::input, errors);
  return out + "};\n\n}  // namespace npurt_npu\n";
}

}  // namespace npurt_kernels
