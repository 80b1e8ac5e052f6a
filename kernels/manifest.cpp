#include "manifest.hpp"

#include <algorithm>
#include <map>

#include "document.hpp"
#include "library.hpp"
#include "reader.hpp"
#include "signature.hpp"

namespace npurt_kernels {

using npurt::Diagnostic;
using npurt::Yaml;

namespace {

const std::map<std::string, uint64_t> kTypes = {{"i8", 1}, {"bf16", 2}, {"i16", 2}, {"i32", 4}, {"f32", 4}};
const std::vector<std::string> kDevices = {"npu1", "npu4"};

void read_signature(Reader& r, const Yaml& root, Manifest& m) {
  const npurt::Signature* op = npurt::builtin_op(m.op);
  if (!m.op.empty() && !op) r.wrong(*root.get("op"), "there is no op '" + m.op + "'");
  if (m.signature.empty() || !op) return;
  try {
    const std::string why = npurt::narrows(npurt::parse_signature(m.signature, m.op), *op);
    if (!why.empty()) r.wrong(*root.get("signature"), "does not fit the op's contract: " + why);
  } catch (const npurt::BadSignature& e) {
    r.wrong(*root.get("signature"), e.what());
  }
}

void read_buffers(Reader& r, const Yaml& root, Manifest& m) {
  const Yaml* buffers = r.need(root, "buffers", Yaml::map);
  if (!buffers) return;
  for (const auto& [key, value] : buffers->items) {
    ManifestBuffer b{key.text, "", {}, 1};
    r.keys(value, {"type", "shape", "copies"});
    b.type = r.text(value, "type");
    if (!b.type.empty() && !kTypes.contains(b.type)) r.wrong(*value.get("type"), "unknown type '" + b.type + "'");
    if (const Yaml* shape = r.need(value, "shape", Yaml::list))
      for (const auto& [none, dim] : shape->items) {
        auto it = std::find_if(m.tile.begin(), m.tile.end(), [&](const auto& t) { return t.first == dim.text; });
        b.shape.push_back(it != m.tile.end() ? it->second : r.whole(dim, 1));
      }
    if (const Yaml* copies = value.get("copies")) b.copies = r.whole(*copies, 1);
    m.buffers.push_back(b);
  }
  if (m.memory() > kCoreMemory)
    r.wrong(*buffers,
            "stack and buffers take " + std::to_string(m.memory()) + " bytes; a core has " + std::to_string(kCoreMemory));
}

void read_cycles(Reader& r, const Yaml& root, Manifest& m) {
  const Yaml* cycles = r.need(root, "cycles", Yaml::map);
  if (!cycles) return;
  std::vector<std::string> names = m.functions;
  names.push_back("source");
  r.keys(*cycles, names);
  m.cycles_source = r.text(*cycles, "source");
  for (const std::string& f : m.functions) m.cycles.emplace_back(f, r.whole(*cycles, f, 1));
}

}  // namespace

uint64_t ManifestBuffer::bytes() const {
  uint64_t n = kTypes.contains(type) ? kTypes.at(type) * copies : 0;
  for (uint64_t d : shape) n = std::min<uint64_t>(n * d, uint64_t{1} << 40);
  return n;
}

uint64_t Manifest::memory() const {
  uint64_t n = stack;
  for (const ManifestBuffer& b : buffers) n += b.bytes();
  return n;
}

Manifest read_manifest(const std::filesystem::path& file) {
  std::vector<Diagnostic> errors;
  const Yaml root = npurt::parse_yaml(npurt::read_text(file), file.string(), errors);
  if (!errors.empty()) throw npurt::Error(npurt::Exit::input, errors);
  Reader r(errors);
  r.keys(root, {"npurt", "op", "kernel", "signature", "devices", "source", "functions", "tile", "buffers", "stack", "cycles",
                "tolerance"});
  if (r.text(root, "npurt") != "1") r.wrong(root, "key 'npurt' must be 1");
  Manifest m;
  m.op = r.text(root, "op");
  m.kernel = r.text(root, "kernel");
  m.signature = r.text(root, "signature");
  read_signature(r, root, m);
  m.devices = r.names(root, "devices", kDevices);
  m.source = r.text(root, "source");
  // A name can be too long to look for.
  if (std::error_code none; !m.source.empty() && !std::filesystem::exists(file.parent_path() / m.source, none))
    r.wrong(*root.get("source"), "there is no " + (file.parent_path() / m.source).string());
  m.functions = r.names(root, "functions");
  if (const Yaml* tile = r.need(root, "tile", Yaml::map))
    for (const auto& [key, value] : tile->items) {
      if (!is_name(key.text)) r.wrong(key, "'" + key.text + "' is not a name");
      m.tile.emplace_back(key.text, r.whole(value, 1));
    }
  m.stack = r.whole(root, "stack", 1024);
  read_buffers(r, root, m);
  read_cycles(r, root, m);
  if (const Yaml* tolerance = r.need(root, "tolerance", Yaml::map)) {
    r.keys(*tolerance, {"relative", "source"});
    m.tolerance = r.real(*tolerance, "relative", 0, 1);
    m.tolerance_source = r.text(*tolerance, "source");
  }
  if (!errors.empty()) throw npurt::Error(npurt::Exit::input, errors);
  return m;
}

std::string manifest_header(const std::vector<Manifest>& all) {
  std::string out = "// Made from the kernel.yaml files by compile_manifests.\n#pragma once\n";
  for (const Manifest& m : all) {
    out += "\nnamespace npurt_kernels::manifest_" + m.id() + " {\n";
    out += "inline constexpr const char *op = \"" + m.op + "\", *kernel = \"" + m.kernel + "\", *signature = \"" + m.signature +
           "\";\n";
    for (const auto& [name, value] : m.tile) out += "inline constexpr unsigned " + name + " = " + std::to_string(value) + ";\n";
    for (const auto& [name, value] : m.cycles)
      out += "inline constexpr unsigned cycles_of_" + name + " = " + std::to_string(value) + ";\n";
    for (const ManifestBuffer& b : m.buffers)
      out += "inline constexpr unsigned bytes_of_" + b.name + " = " + std::to_string(b.bytes() / b.copies) + ", copies_of_" +
             b.name + " = " + std::to_string(b.copies) + ";\n";
    out += "inline constexpr unsigned stack = " + std::to_string(m.stack) + ";\n";
    out += "inline constexpr double tolerance = " + std::to_string(m.tolerance) + ";\n}\n";
  }
  return out;
}

}  // namespace npurt_kernels
