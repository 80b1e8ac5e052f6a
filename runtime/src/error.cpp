// How errors look; docs/errors.md shows the form.
#include <algorithm>
#include <npurt/runtime.hpp>

namespace npurt {

namespace {

std::string padded(std::string s, size_t width) {
  s.append(width > s.size() ? width - s.size() : 0, ' ');
  return s;
}

std::string joined(const std::vector<Diagnostic>& all) {
  std::string s;
  for (const Diagnostic& d : all) s += (s.empty() ? "" : "\n") + d.text();
  return s;
}

// "tried cpu:f32" is the kind of detail, and what it is about.
std::pair<std::string, std::string> parts(const std::string& label) {
  size_t space = label.find(' ');
  return {label.substr(0, space), space == std::string::npos ? "" : label.substr(space + 1)};
}

}  // namespace

std::string Place::text() const {
  std::string s = file;
  for (int n : {line, column}) {
    if (n <= 0) break;
    s += (s.empty() ? "" : ":") + std::to_string(n);
  }
  return s;
}

std::string Diagnostic::text() const {
  std::string s = place.text();
  s += (s.empty() ? "error: " : ": error: ") + message;
  size_t kinds = 6, abouts = 0;
  for (const auto& [label, value] : details) {
    auto [kind, about] = parts(label);
    kinds = std::max(kinds, kind.size());
    abouts = std::max(abouts, about.size());
  }
  for (const auto& [label, value] : details) {
    auto [kind, about] = parts(label);
    s += "\n  " + padded(kind, kinds) + "  ";
    if (!about.empty()) s += padded(about, abouts) + "  ";
    s += value;
  }
  return s;
}

Error::Error(Exit c, std::string sentence) : Error(c, std::vector<Diagnostic>{{{}, std::move(sentence), {}}}) {}

Error::Error(Exit c, std::vector<Diagnostic> all) : std::runtime_error(joined(all)), code(c), diagnostics(std::move(all)) {}

}  // namespace npurt
