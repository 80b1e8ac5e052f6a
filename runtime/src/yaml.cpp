#include "yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <numeric>
#include <sstream>

namespace npurt {

namespace {

constexpr size_t kMostBytes = 1 << 20, kMostDepth = 64;

// yaml-cpp tells a plain scalar by this tag, and a quoted one by "!".
constexpr const char* kPlain = "?";

struct TooDeep {};

// Builds the tree from events, where aliases and anchors can still be told from what they stand for.
class Builder : public YAML::EventHandler {
 public:
  Builder(const std::string& file, std::vector<Diagnostic>& errors) : file_(file), errors_(errors) {}
  Yaml take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& m) override { begin_ = place(m); }
  const Place& begin() const { return begin_; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& m, YAML::anchor_t a) override { put(m, a, "", ""); }
  void OnAlias(const YAML::Mark& m, YAML::anchor_t) override {
    wrong(m, "an alias (*name) is not allowed here", "write the value out");
    put(m, 0, "", "");
  }
  void OnScalar(const YAML::Mark& m, const std::string& tag, YAML::anchor_t a, const std::string& value) override {
    if (tag == kPlain && value.size() > 1 && value[0] == '0' &&
        std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; }))
      wrong(m, "the number " + value + " begins with a zero, which YAML readers take for octal",
            "write " + decimal(value) + ", or \"" + value + "\" if it is text");
    put(m, a, tag, value);
  }
  void OnSequenceStart(const YAML::Mark& m, const std::string& tag, YAML::anchor_t a, YAML::EmitterStyle::value) override {
    open(m, tag, a, Yaml::list);
  }
  void OnMapStart(const YAML::Mark& m, const std::string& tag, YAML::anchor_t a, YAML::EmitterStyle::value) override {
    open(m, tag, a, Yaml::map);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  static std::string decimal(const std::string& digits) {
    const size_t first = digits.find_first_not_of('0');
    return first == std::string::npos ? "0" : digits.substr(first);
  }
  Place place(const YAML::Mark& m) const {
    return {
        file_,
        m.line + 1,
        m.column + 1,
    };
  }
  void wrong(const YAML::Mark& m, const std::string& what, const std::string& hint) {
    errors_.push_back({place(m), what, {{"hint", hint}}});
  }
  void check(const YAML::Mark& m, YAML::anchor_t anchor, const std::string& tag) {
    if (anchor) wrong(m, "an anchor (&name) is not allowed here", "write the value out where it is used");
    if (!tag.empty() && tag != kPlain && tag != "!") wrong(m, "the tag " + tag + " is not allowed here", "leave it out");
  }

  struct Level {
    Yaml value;
    Yaml key;
    bool has_key = false;
  };

  void open(const YAML::Mark& m, const std::string& tag, YAML::anchor_t anchor, Yaml::Kind kind) {
    check(m, anchor, tag);
    if (levels_.size() >= kMostDepth) {
      wrong(m, "nested deeper than " + std::to_string(kMostDepth) + " levels", "a graph needs four; use blocks");
      throw TooDeep{};
    }
    Level l;
    l.value.kind = kind;
    l.value.place = place(m);
    levels_.push_back(std::move(l));
  }
  void close() {
    Yaml done = std::move(levels_.back().value);
    levels_.pop_back();
    add(std::move(done));
  }
  void put(const YAML::Mark& m, YAML::anchor_t anchor, const std::string& tag, const std::string& text) {
    check(m, anchor, tag);
    Yaml v;
    v.text = text;
    v.place = place(m);
    add(std::move(v));
  }
  void add(Yaml v) {
    if (levels_.empty()) {
      root_ = std::move(v);
      return;
    }
    Level& l = levels_.back();
    if (l.value.kind == Yaml::list) {
      l.value.items.push_back({{}, std::move(v)});
    } else if (!l.has_key) {
      if (v.kind != Yaml::scalar) errors_.push_back({v.place, "a key must be a word", {}});
      else if (v.text == "<<")
        errors_.push_back({v.place, "a merge key (<<) is not allowed here", {{"hint", "write the keys out"}}});
      else if (const Yaml* before = l.value.get(v.text))
        errors_.push_back(
            {v.place, "key '" + v.text + "' is here twice", {{"first", "line " + std::to_string(before->place.line)}}});
      l.key = std::move(v);
      l.has_key = true;
    } else {
      l.value.items.push_back({std::move(l.key), std::move(v)});
      l.has_key = false;
    }
  }

  std::string file_;
  Place begin_;
  std::vector<Diagnostic>& errors_;
  std::vector<Level> levels_;
  Yaml root_;
};

// yaml-cpp's own words for this ("illegal map value") help no one.
bool indented_with_tab(const std::string& text, const std::string& file, std::vector<Diagnostic>& errors) {
  std::istringstream in(text);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const size_t indent = line.find_first_not_of(" \t"), tab = line.find('\t');
    if (indent == std::string::npos || tab >= indent) continue;
    errors.push_back(
        {{file, number, static_cast<int>(tab) + 1}, "this line is indented with a tab", {{"hint", "indent with spaces"}}});
    return true;
  }
  return false;
}

size_t edits(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1])});
      corner = above;
    }
  }
  return row.back();
}

}  // namespace

const Yaml* Yaml::get(const std::string& key) const {
  for (const auto& [k, v] : items)
    if (k.text == key && kind == map) return &v;
  return nullptr;
}

Yaml parse_yaml(const std::string& text, const std::string& file, std::vector<Diagnostic>& errors) {
  if (text.size() > kMostBytes) {
    errors.push_back({{file},
                      "the file has " + std::to_string(text.size()) + " bytes; a graph has at most " + std::to_string(kMostBytes),
                      {}});
    return {};
  }
  if (auto nul = text.find('\0'); nul != std::string::npos) {
    errors.push_back(
        {{file, static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n')) + 1},
         "the file holds a NUL byte; it is not text",
         {}});
    return {};
  }
  if (indented_with_tab(text, file, errors)) return {};
  Builder builder(file, errors);
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return {};
    std::vector<Diagnostic> rest;
    Builder second(file, rest);
    if (parser.HandleNextDocument(second))
      errors.push_back({second.begin(), "a second document begins here (---)", {{"wanted", "one graph in a file"}}});
  } catch (const TooDeep&) {
    return {};
  } catch (const YAML::Exception& e) {
    errors.push_back({{file, e.mark.line + 1, e.mark.column + 1}, "not YAML: " + e.msg, {}});
    return {};
  }
  return builder.take();
}

std::vector<std::pair<std::string, std::string>> did_you_mean(const std::string& name, const std::vector<std::string>& names) {
  size_t best = name.size() / 3 + 2;
  const std::string* which = nullptr;
  for (const std::string& n : names)
    if (size_t e = edits(name, n); e < best) best = e, which = &n;
  if (!which) return {};
  return {{"hint", "did you mean '" + *which + "'?"}};
}

}  // namespace npurt
