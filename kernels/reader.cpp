#include "reader.hpp"

#include <algorithm>
#include <charconv>

namespace npurt_kernels {

using npurt::Yaml;

namespace {

constexpr uint64_t kMost = uint64_t{1} << 40;

std::string short_number(double x) {
  std::string s = std::to_string(x);
  s.erase(s.find_last_not_of('0') + 1);
  if (s.back() == '.') s.pop_back();
  return s;
}

}  // namespace

bool is_name(const std::string& s) {
  return !s.empty() && std::isalpha(static_cast<unsigned char>(s[0])) &&
         std::all_of(s.begin(), s.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

void Reader::keys(const Yaml& map, const std::vector<std::string>& names) {
  for (const auto& [key, value] : map.items)
    if (std::find(names.begin(), names.end(), key.text) == names.end())
      errors_.push_back({key.place, "unknown key '" + key.text + "'", npurt::did_you_mean(key.text, names)});
}

const Yaml* Reader::need(const Yaml& map, const std::string& key, Yaml::Kind kind) {
  const Yaml* v = map.get(key);
  const char* wanted = kind == Yaml::map ? "a map" : kind == Yaml::list ? "a list" : "a text";
  if (v && v->kind == kind) return v;
  wrong(v ? *v : map, "key '" + key + "' " + (v ? "is not " : "is missing; wanted ") + wanted);
  return nullptr;
}

std::string Reader::text(const Yaml& map, const std::string& key) {
  const Yaml* v = need(map, key, Yaml::scalar);
  if (v && v->text.empty()) wrong(*v, "key '" + key + "' is empty");
  return v ? v->text : "";
}

uint64_t Reader::whole(const Yaml& v, uint64_t least) {
  uint64_t x = 0;
  const bool hex = v.text.starts_with("0x");
  const char *begin = v.text.data() + (hex ? 2 : 0), *end = v.text.data() + v.text.size();
  const auto [stop, error] = std::from_chars(begin, end, x, hex ? 16 : 10);
  if (v.kind != Yaml::scalar || error != std::errc() || stop != end || x < least || x > kMost) {
    wrong(v, "'" + v.text + "' is not a whole number from " + std::to_string(least) + " to " + std::to_string(kMost));
    return least;
  }
  return x;
}

uint64_t Reader::whole(const Yaml& map, const std::string& key, uint64_t least) {
  const Yaml* v = need(map, key, Yaml::scalar);
  return v ? whole(*v, least) : least;
}

double Reader::real(const Yaml& map, const std::string& key, double least, double most) {
  const Yaml* v = need(map, key, Yaml::scalar);
  if (!v) return least;
  double x = 0;
  const char* end = v->text.data() + v->text.size();
  const auto [stop, error] = std::from_chars(v->text.data(), end, x);
  if (error == std::errc() && stop == end && x >= least && x <= most) return x;
  wrong(*v, "'" + v->text + "' is not a number from " + short_number(least) + " to " + short_number(most));
  return least;
}

std::vector<std::string> Reader::names(const Yaml& map, const std::string& key, const std::vector<std::string>& allowed) {
  std::vector<std::string> out;
  const Yaml* list = need(map, key, Yaml::list);
  if (!list) return out;
  if (list->items.empty()) wrong(*list, "key '" + key + "' is an empty list");
  for (const auto& [none, item] : list->items) {
    const bool known = allowed.empty() || std::find(allowed.begin(), allowed.end(), item.text) != allowed.end();
    if (!is_name(item.text) || !known) wrong(item, "'" + item.text + "' is not one of the " + key);
    out.push_back(item.text);
  }
  return out;
}

}  // namespace npurt_kernels
