#include "document.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

#include "signature.hpp"

namespace npurt {

namespace {

const char* kind_name(const Yaml& y) {
  return y.kind == Yaml::map ? "a map" : y.kind == Yaml::list ? "a list" : y.text.empty() ? "empty" : "a text";
}

class Reader {
 public:
  Reader(const std::string& file, std::vector<Diagnostic>& errors) : errors_(errors) { d_.file = file; }

  Document read(const std::string& text) {
    const size_t before = errors_.size();
    const Yaml root = parse_yaml(text, d_.file, errors_);
    if (root.kind != Yaml::map || root.items.empty()) {
      if (errors_.size() == before)
        wrong({d_.file, 1, 1}, "this is not a graph",
              {{"wanted", "a map with npurt, name and nodes"}, {"hint", "docs/graph.md shows one"}});
      return std::move(d_);
    }
    keys(root, {"npurt", "name", "queue", "policy", "parameters", "inputs", "nodes", "outputs"}, "a graph");
    const Yaml* schema = root.get("npurt");
    if (!schema) wrong(root.place, "key 'npurt' is missing", {{"wanted", "npurt: 1"}});
    else if (schema->text != "1")
      wrong(schema->place, "npurt is '" + schema->text + "'",
            {{"wanted", "1, the version of the graph language that this npurt reads"}});
    if (const Yaml* name = root.get("name")) d_.name = text_of(*name, "name");
    else wrong(root.place, "key 'name' is missing", {});
    if (const Yaml* queue = root.get("queue")) {
      const std::string q = text_of(*queue, "queue");
      const bool digits =
          !q.empty() && q.size() < 4 && std::all_of(q.begin(), q.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (digits && q != "0") d_.queue = std::stoi(q);
      else
        wrong(queue->place, "queue is '" + q + "'", {{"wanted", "a whole number from 1 to 999: the packets that an edge holds"}});
    }
    if (const Yaml* policy = root.get("policy")) {
      d_.policy = text_of(*policy, "policy");
      if (d_.policy != "declared" && d_.policy != "measured")
        wrong(policy->place, "policy is '" + d_.policy + "'", {{"wanted", "declared or measured"}});
    }
    each(root, "parameters", [&](const Yaml& k, const Yaml& v) { parameter(k, v); });
    each(root, "inputs", [&](const Yaml& k, const Yaml& v) {
      GraphPort p{k.text, k.text + " " + text_of(v, "inputs." + k.text), {}, "", "", v.place};
      try {
        parse_port(p.signature);
      } catch (const std::invalid_argument& e) {
        wrong(v.place, "input '" + k.text + "': " + e.what(), {{"wanted", "a tensor such as f32[T,D]"}});
      }
      d_.inputs.push_back(p);
    });
    each(root, "outputs", [&](const Yaml& k, const Yaml& v) {
      if (v.kind == Yaml::scalar) d_.outputs.push_back(link(k.text, v));
      else wrong(v.place, "output '" + k.text + "' is " + kind_name(v), {{"wanted", "node.port"}});
    });
    if (!root.get("nodes")) wrong(root.place, "key 'nodes' is missing", {});
    each(root, "nodes", [&](const Yaml& k, const Yaml& v) { node(k, v); });
    return std::move(d_);
  }

 private:
  void wrong(const Place& p, const std::string& what, std::vector<std::pair<std::string, std::string>> details) {
    errors_.push_back({p, what, std::move(details)});
  }

  void keys(const Yaml& map, const std::vector<std::string>& known, const std::string& of) {
    for (const auto& [k, v] : map.items)
      if (k.kind == Yaml::scalar && k.text != "<<" && std::find(known.begin(), known.end(), k.text) == known.end()) {
        auto details = did_you_mean(k.text, known);
        if (details.empty()) {
          std::string all;
          for (const auto& n : known) all += (all.empty() ? "" : ", ") + n;
          details.push_back({"wanted", all});
        }
        wrong(k.place, "unknown key '" + k.text + "' in " + of, details);
      }
  }

  std::string text_of(const Yaml& v, const std::string& what) {
    if (v.kind != Yaml::scalar) wrong(v.place, what + " is " + kind_name(v), {{"wanted", "a text"}});
    return v.text;
  }

  // A map of texts is given to the stage as name=text,name=text.
  std::string option_text(const Yaml& v, const std::string& name) {
    if (v.kind != Yaml::map) return text_of(v, "option '" + name + "'");
    std::string all;
    for (const auto& [key, value] : v.items)
      all += (all.empty() ? "" : ",") + key.text + "=" + text_of(value, "option '" + name + "." + key.text + "'");
    return all;
  }

  template <typename F>
  void each(const Yaml& root, const std::string& key, F f) {
    const Yaml* map = root.get(key);
    if (!map) return;
    if (map->kind != Yaml::map) {
      if (map->kind != Yaml::scalar || !map->text.empty() || key == "nodes")
        wrong(map->place, key + " is " + kind_name(*map), {{"wanted", "a map"}});
      return;
    }
    for (const auto& [k, v] : map->items) f(k, v);
  }

  bool plain_name(const Yaml& k, const std::string& what) {
    const bool good = !k.text.empty() && k.text != "in" && std::all_of(k.text.begin(), k.text.end(), [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
    });
    if (!good) wrong(k.place, what + " '" + k.text + "' is not a name", {{"wanted", "letters, digits, _ and -; 'in' is taken"}});
    return good;
  }

  void parameter(const Yaml& k, const Yaml& v) {
    plain_name(k, "parameter");
    Parameter p{k.text, "", "", false, k.place};
    if (v.kind == Yaml::map) {
      keys(v, {"default", "help"}, "a parameter");
      if (const Yaml* help = v.get("help")) p.help = text_of(*help, "help");
      if (const Yaml* value = v.get("default")) p.value = text_of(*value, "default");
      else d_.required.insert(k.text);
    } else {
      p.value = text_of(v, "parameter '" + k.text + "'");
    }
    d_.parameters.push_back(std::move(p));
  }

  Link link(const std::string& port, const Yaml& v) {
    const size_t dot = v.text.find('.');
    Link l{port, v.text.substr(0, dot), dot == std::string::npos ? "" : v.text.substr(dot + 1), v.place};
    if (l.node.empty() || l.output.find('.') != std::string::npos)
      wrong(v.place, "'" + v.text + "' is not a port", {{"wanted", "node.port, or node if it has one output"}});
    return l;
  }

  std::vector<Use> candidates(const Yaml& v) {
    if (v.kind == Yaml::scalar) return split_candidates(v.text, v.place);
    std::vector<Use> all;
    if (v.kind == Yaml::map)
      wrong(v.place, "use is a map", {{"wanted", "a candidate, or a list of candidates; a map of ops only for a block"}});
    else
      for (const auto& [none, item] : v.items) all.push_back({text_of(item, "a candidate"), item.place});
    return all;
  }

  void node(const Yaml& k, const Yaml& v) {
    plain_name(k, "node");
    Entry e;
    e.id = k.text;
    e.place = k.place;
    if (v.kind != Yaml::map) {
      wrong(v.place, "node '" + k.text + "' is " + kind_name(v), {{"wanted", "a map with op or block"}});
      d_.nodes.push_back(std::move(e));  // so that who reads from it is not wrong too
      return;
    }
    const bool block = v.get("block") != nullptr;
    keys(v,
         block ? std::vector<std::string>{"block", "repeat", "in", "with", "use"}
               : std::vector<std::string>{"op", "in", "use", "with", "isolate"},
         block ? "a block node" : "a node");
    auto setting = [&](const char* key) {
      const Yaml* s = v.get(key);
      return s ? Setting{text_of(*s, key), s->place} : Setting{};
    };
    e.op = setting("op");
    e.block = setting("block");
    e.repeat = setting("repeat");
    if (!block && e.op.value.empty() && !v.get("<<")) wrong(k.place, "node '" + k.text + "' has neither op nor block", {});
    if (const Yaml* in = v.get("in")) {
      if (in->kind == Yaml::scalar) e.in.push_back(link("", *in));
      else if (in->kind == Yaml::map)
        for (const auto& [port, from] : in->items) {
          if (from.kind == Yaml::scalar) e.in.push_back(link(port.text, from));
          else wrong(from.place, "input '" + port.text + "' is " + kind_name(from), {{"wanted", "node.port"}});
        }
      else wrong(in->place, "in is a list", {{"wanted", "node.port, or a map from input to node.port"}});
    }
    if (const Yaml* use = v.get("use")) {
      if (block && use->kind == Yaml::map)
        for (const auto& [op, list] : use->items) e.use_op[op.text] = candidates(list);
      else if (block)
        wrong(use->place, "use of a block is " + std::string(kind_name(*use)),
              {{"wanted", "a map from op to candidates, such as {matmul: cpu}"}});
      else e.use = candidates(*use);
    }
    if (const Yaml* isolate = v.get("isolate"); isolate && !block) {
      const auto seconds = isolate_seconds(text_of(*isolate, "isolate"));
      if (!seconds) wrong(isolate->place, "isolate is '" + isolate->text + "'", {{"wanted", "true, false, or seconds"}});
      e.isolate_s = seconds.value_or(0);
    }
    if (const Yaml* with = v.get("with")) {
      if (with->kind != Yaml::map && !(with->kind == Yaml::scalar && with->text.empty()))
        wrong(with->place, "with is " + std::string(kind_name(*with)), {{"wanted", "a map of options"}});
      for (const auto& [name, value] : with->items) e.with.push_back({name.text, {option_text(value, name.text), value.place}});
    }
    d_.nodes.push_back(std::move(e));
  }

  Document d_;
  std::vector<Diagnostic>& errors_;
};

}  // namespace

const Entry* Document::find(const std::string& id) const {
  for (const Entry& e : nodes)
    if (e.id == id) return &e;
  return nullptr;
}

std::optional<double> isolate_seconds(const std::string& text) {
  constexpr double kUsual = 60;
  if (text == "true") return kUsual;
  if (text == "false") return 0;
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !(seconds > 0 && seconds < 1e6)) return {};
  return seconds;
}

std::vector<Use> split_candidates(const std::string& text, const Place& place) {
  std::vector<Use> all;
  std::istringstream in(text);
  for (std::string name; std::getline(in, name, ',');) {
    const size_t a = name.find_first_not_of(' '), b = name.find_last_not_of(' ');
    if (a != std::string::npos) all.push_back({name.substr(a, b - a + 1), place});
  }
  return all;
}

Document read_document(const std::string& text, const std::string& file, std::vector<Diagnostic>& errors) {
  return Reader(file, errors).read(text);
}

std::string read_text(const std::filesystem::path& file) {
  std::error_code none;
  if (std::filesystem::is_directory(file, none))
    throw Error(Exit::input, {Diagnostic{{file.string()}, "is a folder, not a graph file", {}}});
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(Exit::input, {Diagnostic{{file.string()}, std::string("cannot be opened: ") + std::strerror(errno), {}}});
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace npurt
