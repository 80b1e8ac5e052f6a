// Text to Graph: reads a graph file and its blocks, replaces names, unrolls blocks, and checks the result.
#include "graph.hpp"

#include <algorithm>
#include <functional>

#include "document.hpp"
#include "model_facts.hpp"
#include "ops.hpp"
#include "signature.hpp"

namespace npurt {

namespace {

namespace fs = std::filesystem;

constexpr int kMostRepeats = 1000, kMostBlockDepth = 16, kMostLinks = 4000;
constexpr size_t kMostNodes = 10000;
const std::vector<std::string> kRunTime = {"input", "output", "format"};  // replaced per run, by the host

using Values = std::map<std::string, Setting>;

// A block's use in a graph: the file, its parameters' values, and for each block node inside, one scope per repetition.
struct Scope {
  const Document* document = nullptr;
  std::string prefix;
  Values values;
  std::map<std::string, std::vector<Use>> use_op;
  std::map<std::string, std::vector<Scope>> blocks;
  const Scope* parent = nullptr;  // where `in.x` leads
  const Entry* entry = nullptr;   // the block node in the parent
  const Scope* before = nullptr;  // the repetition that this one follows
};

class Loader {
 public:
  explicit Loader(const GraphOptions& options) : options_(options) {}

  Graph load(const std::string& text, const std::string& file) {
    auto root_document = std::make_unique<Document>(read_document(text, file, errors_));
    Document& d = *root_document;
    documents_.emplace(file, std::move(root_document));
    if (d.nodes.empty()) stop();
    graph_.file = file;
    graph_.name = d.name;
    graph_.queue = d.queue;
    graph_.policy = d.policy;
    made_ = d.nodes.size();
    Scope root;
    root.document = &d;
    set_parameters(d, root);
    open_blocks(root, {file});
    const bool well_formed = errors_.empty();  // else it is not known what is connected
    emit(root);
    for (const GraphPort& p : d.inputs) graph_.inputs.push_back(p);
    for (const Link& l : d.outputs) {
      GraphPort p{l.port, "", {}, "", "", l.place};
      std::tie(p.node, p.output) = producer(root, l);
      graph_.outputs.push_back(p);
    }
    for (const Node& n : graph_.nodes)
      for (const Source& s : n.in)
        if (s.node == "in")
          for (GraphPort& p : graph_.inputs)
            if (p.name == s.output) p.to.push_back({n.id, s.port});
    apply_use(graph_, options_, errors_);
    if (well_formed) check_graph(graph_, errors_);
    stop();
    return std::move(graph_);
  }

 private:
  void wrong(const Place& p, const std::string& what, std::vector<std::pair<std::string, std::string>> details = {}) {
    errors_.push_back({p, what, std::move(details)});
  }
  void stop() {
    if (errors_.empty()) return;
    auto at = [](const Diagnostic& d) { return std::tie(d.place.file, d.place.line, d.place.column); };
    std::stable_sort(errors_.begin(), errors_.end(), [&](const Diagnostic& a, const Diagnostic& b) { return at(a) < at(b); });
    throw Error(Exit::input, std::move(errors_));
  }

  void set_parameters(const Document& d, Scope& root) {
    graph_.parameters = d.parameters;
    std::vector<std::string> names;
    for (const Parameter& p : d.parameters) names.push_back(p.name);
    for (const auto& [name, value] : options_.set) {
      auto p = std::find_if(graph_.parameters.begin(), graph_.parameters.end(),
                            [&, &key = name](const Parameter& q) { return q.name == key; });
      if (p == graph_.parameters.end()) {
        auto hint = did_you_mean(name, names);
        std::string all;
        for (const auto& n : names) all += (all.empty() ? "" : ", ") + n;
        hint.insert(hint.begin(), {"wanted", all.empty() ? "nothing; the graph has no parameters" : all});
        wrong({d.file}, "the graph has no parameter '" + name + "' (--set)", hint);
        continue;
      }
      p->value = value;
      p->set_by_user = true;
    }
    for (Parameter& p : graph_.parameters)
      if (auto it = options_.offer.find(p.name); it != options_.offer.end() && !p.set_by_user) {
        p.value = it->second;
        p.set_by_user = true;
      }
    for (const Parameter& p : graph_.parameters) {
      if (d.required.count(p.name) && !p.set_by_user) {
        wrong(p.place, "parameter '" + p.name + "' has no value", {{"hint", "--set " + p.name + "=…"}});
        failed_models_.insert("");  // no second error where it names a model
      }
      root.values[p.name] = {p.value, p.place};
    }
  }

  // `$name`, `$name.fact`, or text with `${name}` and `${name.fact}` in it.
  Setting replaced(const Setting& s, const Values& values) {
    const std::string& t = s.value;
    if (t.size() > 1 && t[0] == '$' && t[1] != '{') {
      const std::string name = t.substr(1);
      if (std::find(kRunTime.begin(), kRunTime.end(), name) != kRunTime.end()) return s;
      Setting v = look_up(name, s.place, values);
      return {v.value, name.find('.') == std::string::npos ? v.place : s.place};
    }
    std::string out;
    for (size_t i = 0; i < t.size();) {
      const size_t open = t.find("${", i), end = open == std::string::npos ? open : t.find('}', open);
      if (end == std::string::npos) {
        if (open != std::string::npos) wrong(s.place, "'${' is not closed in '" + t + "'");
        out += t.substr(i);
        break;
      }
      out += t.substr(i, open - i) + look_up(t.substr(open + 2, end - open - 2), s.place, values).value;
      i = end + 1;
    }
    return {out, s.place};
  }

  Setting look_up(const std::string& name, const Place& place, const Values& values) {
    const size_t dot = name.find('.');
    auto it = values.find(name.substr(0, dot));
    if (it == values.end()) {
      std::vector<std::string> names = kRunTime;
      for (const auto& [n, v] : values) names.push_back(n);
      wrong(place, "nothing is called '$" + name + "'", did_you_mean(name.substr(0, dot), names));
      return {"", place};
    }
    if (dot == std::string::npos) return it->second;
    const std::string key = name.substr(dot + 1);
    try {
      const fs::path folder = fs::path(graph_.file).parent_path();
      auto value = options_.fact ? options_.fact(it->second.value, key, folder) : facts_.find(it->second.value, key, folder);
      if (value) return {*value, place};
      wrong(place, "model '" + it->second.value + "' has no fact '" + key + "'",
            {{"hint", "npurt model info " + it->second.value}});
    } catch (const Error& e) {
      if (e.code != Exit::input) throw;
      if (failed_models_.insert(it->second.value).second)
        for (Diagnostic d : e.diagnostics) {
          if (d.place.file.empty()) d.place = it->second.place;
          errors_.push_back(std::move(d));
        }
    }
    return {"1", place};
  }

  const Document* document(const Setting& file, const std::string& from) {
    const std::string path = (fs::path(from).parent_path() / file.value).lexically_normal().string();
    if (auto it = documents_.find(path); it != documents_.end()) return it->second.get();
    std::string text;
    try {
      text = read_text(path);
    } catch (const Error& e) {
      wrong(file.place, "block " + path + " " + e.diagnostics[0].message);
      return nullptr;
    }
    return documents_.emplace(path, std::make_unique<Document>(read_document(text, path, errors_))).first->second.get();
  }

  void open_blocks(Scope& scope, const std::vector<std::string>& stack) {
    for (const Entry& e : scope.document->nodes) {
      if (e.block.value.empty()) continue;
      const Document* d = document(e.block, scope.document->file);
      if (!d) continue;
      if (std::find(stack.begin(), stack.end(), d->file) != stack.end() || stack.size() > kMostBlockDepth) {
        wrong(e.block.place, "block '" + e.block.value + "' contains itself");
        continue;
      }
      int times = 1;
      const bool repeats = !e.repeat.value.empty();
      if (repeats) {
        const std::string n = replaced(e.repeat, scope.values).value;
        const bool digits =
            !n.empty() && n.size() < 5 && std::all_of(n.begin(), n.end(), [](char c) { return c >= '0' && c <= '9'; });
        times = digits ? std::stoi(n) : 0;
        if (times < 1 || times > kMostRepeats) {
          wrong(e.repeat.place, "repeat is '" + n + "'",
                {{"wanted", "a whole number from 1 to " + std::to_string(kMostRepeats)}});
          continue;
        }
        if (d->inputs.size() != 1 || d->outputs.size() != 1)
          wrong(e.repeat.place, "only a block with one input and one output can repeat", {});
      }
      if ((made_ += static_cast<size_t>(times) * d->nodes.size()) > kMostNodes) {
        wrong(e.place, "the graph has more than " + std::to_string(kMostNodes) + " nodes");
        stop();
      }
      auto& copies = scope.blocks[e.id];
      copies.resize(static_cast<size_t>(times));
      auto below = stack;
      below.push_back(d->file);
      for (int i = 0; i < times; ++i) {
        Scope& s = copies[static_cast<size_t>(i)];
        s.document = d;
        s.prefix = scope.prefix + e.id + "." + (repeats ? std::to_string(i) + "." : "");
        s.parent = &scope;
        s.entry = &e;
        s.before = i ? &copies[static_cast<size_t>(i) - 1] : nullptr;
        s.use_op = e.use_op;
        s.use_op.insert(scope.use_op.begin(), scope.use_op.end());
        give_values(e, d, scope, s, repeats ? std::optional(i) : std::nullopt, i == 0);
        open_blocks(s, below);
      }
    }
  }

  void give_values(const Entry& e, const Document* d, const Scope& outer, Scope& inner, std::optional<int> index, bool report) {
    Values with_index = outer.values;
    if (index) with_index["i"] = {std::to_string(*index), e.place};
    std::vector<std::string> names;
    for (const Parameter& p : d->parameters) {
      names.push_back(p.name);
      inner.values[p.name] = {p.value, p.place};
    }
    std::set<std::string> given;
    for (const auto& [name, setting] : e.with) {
      given.insert(name);
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        if (report)
          wrong(setting.place, "block '" + e.block.value + "' has no parameter '" + name + "'", did_you_mean(name, names));
      } else {
        inner.values[name] = replaced(setting, with_index);
      }
    }
    for (const std::string& name : d->required)
      if (!given.count(name) && report)
        wrong(e.place, "block '" + e.block.value + "' wants a value for parameter '" + name + "'",
              {{"hint", "with: {" + name + ": …}"}});
  }

  // The node and output that `link` inside `from` leads to; ("in", port) for an input of the whole graph; "" after saying why
  // not.
  std::pair<std::string, std::string> producer(const Scope& from, const Link& link) {
    const Scope* scope = &from;
    const Link* l = &link;
    for (int followed = 0; followed < kMostLinks; ++followed) {
      const Document& d = *scope->document;
      if (l->node == "in") {
        const std::string port = l->output.empty() && d.inputs.size() == 1 ? d.inputs[0].name : l->output;
        if (!has_input(d, port)) return no_input(d, port, *l);
        if (!scope->parent) return {"in", port};
        if (scope->before) {
          scope = scope->before;
          if (scope->document->outputs.size() != 1) return {};
          l = &scope->document->outputs[0];
        } else {
          const auto& in = scope->entry->in;
          const auto found = std::find_if(
              in.begin(), in.end(), [&](const Link& i) { return i.port == port || (i.port.empty() && d.inputs.size() == 1); });
          if (found == in.end()) {
            wrong(scope->entry->place, "input '" + port + "' of block '" + scope->entry->block.value + "' is not connected");
            return {};
          }
          l = &*found;
          scope = scope->parent;
        }
        continue;
      }
      const Entry* e = d.find(l->node);
      if (!e) {
        std::vector<std::string> names;
        for (const Entry& n : d.nodes) names.push_back(n.id);
        wrong(l->place, "no node is called '" + l->node + "'", did_you_mean(l->node, names));
        return {};
      }
      if (e->block.value.empty()) return {scope->prefix + e->id, l->output};
      const auto copies = scope->blocks.find(e->id);
      if (copies == scope->blocks.end() || copies->second.empty()) return {};
      scope = &copies->second.back();
      const auto& outputs = scope->document->outputs;
      const auto found = std::find_if(outputs.begin(), outputs.end(), [&](const Link& o) {
        return o.port == l->output || (l->output.empty() && outputs.size() == 1);
      });
      if (found == outputs.end()) {
        std::vector<std::string> names;
        for (const Link& o : outputs) names.push_back(o.port);
        wrong(l->place, "block '" + e->block.value + "' has no output '" + l->output + "'", did_you_mean(l->output, names));
        return {};
      }
      l = &*found;
    }
    wrong(l->place, "this leads back to itself, through blocks that pass their input on");
    return {};
  }

  static bool has_input(const Document& d, const std::string& port) {
    return std::any_of(d.inputs.begin(), d.inputs.end(), [&](const GraphPort& p) { return p.name == port; });
  }
  std::pair<std::string, std::string> no_input(const Document& d, const std::string& port, const Link& l) {
    std::vector<std::string> names;
    for (const GraphPort& p : d.inputs) names.push_back(p.name);
    wrong(l.place, names.empty() ? "this graph has no inputs" : "this graph has no input '" + port + "'",
          did_you_mean(port, names));
    return {};
  }

  void emit(const Scope& scope) {
    for (const Entry& e : scope.document->nodes) {
      if (auto it = scope.blocks.find(e.id); it != scope.blocks.end()) {
        for (const Scope& s : it->second) {
          const size_t before = graph_.blocks.size();
          emit(s);
          if (errors_.empty()) emit_whole(s, before);
        }
        std::vector<std::string> names;
        for (const GraphPort& p : it->second[0].document->inputs) names.push_back(p.name);
        for (const Link& l : e.in)
          if (!l.port.empty() && std::find(names.begin(), names.end(), l.port) == names.end())
            wrong(l.place, "block '" + e.block.value + "' has no input '" + l.port + "'", did_you_mean(l.port, names));
        continue;
      }
      if (!e.block.value.empty()) continue;  // it could not be opened
      Node n;
      n.id = scope.prefix + e.id;
      n.op = e.op.value;
      n.place = e.place;
      n.use = e.use;
      n.use_cause = e.use.empty() ? "any" : "graph";
      n.isolate_s = e.isolate_s;
      if (auto it = scope.use_op.find(n.op); e.use.empty() && it != scope.use_op.end()) {
        n.use = it->second;
        n.use_cause = "block";
      }
      for (const auto& [name, setting] : e.with) n.with[name] = replaced(setting, scope.values);
      for (const Link& l : e.in) {
        auto [node, output] = producer(scope, l);
        n.in.push_back({l.port, node, output, l.place});
      }
      graph_.nodes.push_back(std::move(n));
    }
  }

  // The block of `s` as one node, before the blocks inside it, which are there from index `at` on.
  void emit_whole(const Scope& s, size_t at) {
    const Document& d = *s.document;
    const size_t known = errors_.size();
    Node b{s.prefix.substr(0, s.prefix.size() - 1), d.name, {}, {}, s.values, s.entry->place, "block", 0, {}};
    if (auto it = s.use_op.find(d.name); it != s.use_op.end()) b.use = it->second;
    for (const GraphPort& p : d.inputs) {
      const auto [node, output] = producer(s, {p.name, "in", p.name, p.place});
      b.in.push_back({p.name, node, output, p.place});
    }
    for (const Link& l : d.outputs) {
      const auto [node, output] = producer(s, l);
      b.outputs.push_back({l.port, "", {}, node, output, l.place});
    }
    errors_.erase(errors_.begin() + static_cast<std::ptrdiff_t>(known), errors_.end());  // an input that nobody reads may be open
    if (!b.outputs.empty()) graph_.blocks.insert(graph_.blocks.begin() + static_cast<std::ptrdiff_t>(at), std::move(b));
  }

  const GraphOptions& options_;
  Graph graph_;
  std::vector<Diagnostic> errors_;
  std::map<std::string, std::unique_ptr<Document>> documents_;
  ModelFacts facts_;
  std::set<std::string> failed_models_;
  size_t made_ = 0;  // nodes, those of blocks for each repetition
};

}  // namespace

Graph parse_graph(const std::string& text, const std::string& file, const GraphOptions& options) {
  return Loader(options).load(text, file);
}

Graph load_graph(const fs::path& file, const GraphOptions& options) {
  return parse_graph(read_text(file), file.string(), options);
}

}  // namespace npurt
