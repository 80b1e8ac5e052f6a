#include <algorithm>

#include "document.hpp"

namespace npurt {

namespace {

const Yaml& need(const Yaml& map, const char* key, Yaml::Kind kind) {
  const Yaml* v = map.get(key);
  if (!v || v->kind != kind)
    throw Error(Exit::input, {Diagnostic{map.place,
                                         std::string("key '") + key + "' is missing, or is not " +
                                             (kind == Yaml::map    ? "a map"
                                              : kind == Yaml::list ? "a list"
                                                                   : "a text"),
                                         {}}});
  return *v;
}

}  // namespace

std::vector<KnownModel> known_models(const std::filesystem::path& table) {
  std::vector<Diagnostic> errors;
  const Yaml root = parse_yaml(read_text(table), table.string(), errors);
  if (!errors.empty()) throw Error(Exit::input, errors);
  std::vector<KnownModel> models;
  for (const auto& [name, entry] : need(root, "models", Yaml::map).items) {
    KnownModel m{name.text, need(entry, "help", Yaml::scalar).text, need(entry, "licence", Yaml::scalar).text, {}};
    for (const auto& [file, facts] : need(entry, "files", Yaml::map).items) {
      KnownFile f{file.text, need(facts, "sha256", Yaml::scalar).text, 0, {}};
      const Yaml& bytes = need(facts, "bytes", Yaml::scalar);
      const bool number = !bytes.text.empty() && bytes.text.size() < 16 &&
                          std::all_of(bytes.text.begin(), bytes.text.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (!number)
        throw Error(Exit::input, {Diagnostic{bytes.place, "bytes is '" + bytes.text + "'; wanted a whole number", {}}});
      f.bytes = std::stoull(bytes.text);
      if (f.name.empty() || f.name.find('/') != std::string::npos || f.name[0] == '.')
        throw Error(Exit::input, {Diagnostic{file.place, "'" + f.name + "' is not a file name", {}}});
      for (const auto& [none, source] : need(facts, "from", Yaml::list).items) {
        std::vector<std::string> parts;
        if (source.kind == Yaml::list)
          for (const auto& [nothing, part] : source.items) parts.push_back(part.text);
        else parts.push_back(source.text);
        f.sources.push_back(std::move(parts));
      }
      m.files.push_back(std::move(f));
    }
    models.push_back(std::move(m));
  }
  return models;
}

}  // namespace npurt
