#include "signature.hpp"

#include <algorithm>
#include <charconv>

namespace npurt {

namespace {

struct Type {
  npurt_dtype id;
  const char* name;
  uint64_t bytes;
};
constexpr Type kTypes[] = {{NPURT_F32, "f32", 4}, {NPURT_F16, "f16", 2}, {NPURT_BF16, "bf16", 2}, {NPURT_I8, "i8", 1},
                           {NPURT_U8, "u8", 1},   {NPURT_I32, "i32", 4}, {NPURT_I64, "i64", 8},   {NPURT_JSON, "json", 1}};

const Type* find_type(uint32_t id) {
  auto it = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const Type& t) { return t.id == id; });
  return it == std::end(kTypes) ? nullptr : it;
}

int find_port(const std::vector<Port>& ports, std::string_view name) {
  auto it = std::find_if(ports.begin(), ports.end(), [&](const Port& p) { return p.name == name; });
  return it == ports.end() ? -1 : static_cast<int>(it - ports.begin());
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Signature signature(std::string_view op) {
    Signature s;
    s.op = op;
    size_t start = at_;
    if (std::string name = word(); !name.empty() && peek(":")) {
      take(":");
      if (!op.empty() && name != op) throw BadSignature(1, "wanted op '" + s.op + "', got '" + name + "'");
      s.op = name;
    } else {
      at_ = start;
    }
    if (!peek("->")) s.in = ports("input", "'->'");
    want("->", "',' or '->'");
    if (!at_end()) s.out = ports("output", "the end");
    for (const Port& p : s.out)
      if (p.optional) throw BadSignature(1, "output '" + p.name + "' cannot be optional");
    return s;
  }

  Port port() {
    Port p;
    p.name = word();
    if (p.name.empty()) fail("a port's name");
    p.optional = take("?");
    space();
    size_t column = at_ + 1;
    do p.dtypes.push_back(dtype());
    while (take("|"));
    if (std::count(p.dtypes.begin(), p.dtypes.end(), NPURT_JSON)) {
      if (p.dtypes.size() > 1) throw BadSignature(column, "json stands alone, not beside other dtypes");
      p.dims.push_back({});
    } else {
      shape(p);
    }
    if (take(":")) {
      p.layout = word();
      if (p.layout.empty()) fail("a layout's name");
      if (p.layout == "row") p.layout.clear();
    }
    while (take("@")) {
      if (take("stream")) p.stream = true;
      else if (take("split")) p.split = true;
      else fail("'stream' or 'split'");
    }
    return p;
  }

  void end(const std::string& wanted) {
    if (!at_end()) fail(wanted);
  }

 private:
  std::vector<Port> ports(const std::string& kind, const std::string& closing) {
    std::vector<Port> all;
    do {
      space();
      size_t column = at_ + 1;
      Port p = port();
      if (find_port(all, p.name) >= 0) throw BadSignature(column, "there is already an " + kind + " '" + p.name + "'");
      all.push_back(std::move(p));
    } while (take(","));
    if (closing == "the end") end("',' or the end");
    return all;
  }

  npurt_dtype dtype() {
    size_t start = at_;
    std::string name = word();
    for (const Type& t : kTypes)
      if (name == t.name) return t.id;
    at_ = start;
    fail("a dtype (f32, f16, bf16, i8, u8, i32, i64 or json)");
  }

  void shape(Port& p) {
    want("[", "'|' or '['");
    do {
      if (p.dims.size() == NPURT_MAX_RANK) fail("at most " + std::to_string(NPURT_MAX_RANK) + " dims");
      p.dims.push_back(dim());
    } while (take(","));
    want("]", "',' or ']'");
  }

  Dim dim() {
    Dim d;
    space();
    if (at_ < text_.size() && digit(text_[at_])) {
      d.number = number();
      return d;
    }
    d.name = word();
    if (d.name.empty()) fail("a dim (a name or a number)");
    if (take("%")) d.multiple = number();
    if (take("<=")) d.most = number();
    return d;
  }

  int64_t number() {
    space();
    int64_t n = 0;
    auto [rest, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), n);
    if (error != std::errc() || n < 1) fail("a positive number");
    at_ = static_cast<size_t>(rest - text_.data());
    return n;
  }

  static bool digit(char c) { return c >= '0' && c <= '9'; }
  static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool at_end() {
    space();
    return at_ == text_.size();
  }
  std::string word() {
    space();
    size_t start = at_;
    while (at_ < text_.size() && (letter(text_[at_]) || (at_ > start && digit(text_[at_])))) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  bool peek(std::string_view token) {
    space();
    return text_.substr(at_).starts_with(token);
  }
  bool take(std::string_view token) {
    if (!peek(token)) return false;
    at_ += token.size();
    return true;
  }
  void want(std::string_view token, const std::string& wanted) {
    if (!take(token)) fail(wanted);
  }
  [[noreturn]] void fail(const std::string& wanted) {
    space();
    size_t end = at_;
    while (end < text_.size() && (letter(text_[end]) || digit(text_[end]))) ++end;
    if (end == at_ && end < text_.size()) ++end;
    std::string got = at_ == text_.size() ? "the end" : "'" + std::string(text_.substr(at_, end - at_)) + "'";
    throw BadSignature(at_ + 1, "wanted " + wanted + ", got " + got);
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string dim_text(const Dim& d) {
  if (d.name.empty()) return d.number < 0 ? "?" : std::to_string(d.number);
  std::string s = d.name;
  if (d.multiple > 1) s += "%" + std::to_string(d.multiple);
  if (d.most >= 0) s += "<=" + std::to_string(d.most);
  return s;
}

std::string dtypes_text(const Port& p) {
  std::string s;
  for (npurt_dtype t : p.dtypes) s += (s.empty() ? "" : "|") + std::string(dtype_name(t));
  return s;
}

std::string list_text(const std::vector<Port>& ports) {
  std::string s;
  for (const Port& p : ports) s += (s.empty() ? "" : ", ") + port_text(p);
  return s;
}

}  // namespace

BadSignature::BadSignature(size_t c, const std::string& s)
    : std::invalid_argument("column " + std::to_string(c) + ": " + s), column(c), sentence(s) {}

Signature parse_signature(std::string_view text, std::string_view op) { return Parser(text).signature(op); }

Port parse_port(std::string_view text) {
  Parser parser(text);
  Port p = parser.port();
  parser.end("the end");
  return p;
}

int Signature::input(std::string_view name) const { return find_port(in, name); }
int Signature::output(std::string_view name) const { return find_port(out, name); }

std::string Signature::text() const {
  std::string s = op.empty() ? "" : op + ": ";
  s += list_text(in);
  s += in.empty() ? "->" : " ->";
  return out.empty() ? s : s + " " + list_text(out);
}

const char* dtype_name(uint32_t dtype) {
  const Type* t = find_type(dtype);
  return t ? t->name : "?";
}

uint64_t dtype_bytes(uint32_t dtype) {
  const Type* t = find_type(dtype);
  return t ? t->bytes : 0;
}

std::string spec_text(const npurt_spec& spec) {
  if (spec.dtype == NPURT_JSON) return "json";
  std::string s = dtype_name(spec.dtype) + std::string("[");
  for (uint32_t i = 0; i < std::min<uint32_t>(spec.rank, NPURT_MAX_RANK); ++i)
    s += (i ? "," : "") + (spec.dims[i] < 0 ? "?" : std::to_string(spec.dims[i]));
  return s + "]";
}

std::string port_text(const Port& p) {
  std::string s = p.name + (p.optional ? "? " : " ") + dtypes_text(p);
  if (p.dtypes != std::vector{NPURT_JSON}) {
    std::string dims;
    for (const Dim& d : p.dims) dims += (dims.empty() ? "" : ",") + dim_text(d);
    s += "[" + dims + "]";
  }
  if (!p.layout.empty()) s += ":" + p.layout;
  if (p.stream) s += "@stream";
  if (p.split) s += "@split";
  return s;
}

namespace {

// All that one signature says about a dim name, wherever it says it.
using Limits = std::map<std::string, Dim>;

Limits limits_of(const Signature& s) {
  Limits all;
  for (const auto* side : {&s.in, &s.out})
    for (const Port& p : *side)
      for (const Dim& d : p.dims) {
        if (d.name.empty()) continue;
        Dim& l = all.try_emplace(d.name, d).first->second;
        if (l.multiple % d.multiple != 0) l.multiple = d.multiple % l.multiple == 0 ? d.multiple : l.multiple * d.multiple;
        if (d.most >= 0) l.most = l.most < 0 ? d.most : std::min(l.most, d.most);
      }
  return all;
}

class Narrowing {
 public:
  Narrowing(const Signature& stage, const Signature& op) : stage_(limits_of(stage)), op_(limits_of(op)) {}

  std::string ports(const std::vector<Port>& stage, const std::vector<Port>& op, const std::string& kind) {
    if (stage.size() != op.size())
      return "wanted " + std::to_string(op.size()) + " " + kind + "s, got " + std::to_string(stage.size());
    for (size_t i = 0; i < op.size(); ++i)
      if (std::string why = port(stage[i], op[i]); !why.empty())
        return kind + " " + std::to_string(i + 1) + ": wanted " + port_text(op[i]) + " or narrower, got " + port_text(stage[i]) +
               ": " + why;
    return "";
  }

 private:
  std::string port(const Port& s, const Port& o) {
    if (s.name != o.name) return "its name is '" + o.name + "'";
    for (npurt_dtype t : s.dtypes)
      if (!std::count(o.dtypes.begin(), o.dtypes.end(), t))
        return dtype_name(t) + std::string(" is not one of ") + dtypes_text(o);
    if (s.dims.size() != o.dims.size()) return std::to_string(s.dims.size()) + " dims, wanted " + std::to_string(o.dims.size());
    if (s.layout != o.layout) return "its layout is " + (o.layout.empty() ? "row" : o.layout);
    if (s.optional != o.optional) return o.optional ? "it is optional" : "it is not optional";
    if (s.stream != o.stream) return o.stream ? "it is @stream" : "it is not @stream";
    if (s.split != o.split) return o.split ? "it is @split" : "it is not @split";
    for (size_t i = 0; i < o.dims.size(); ++i)
      if (std::string why = dim(s.dims[i], o.dims[i]); !why.empty()) return why;
    return "";
  }

  std::string dim(const Dim& s, const Dim& o) {
    if (o.name.empty()) return o.number == s.number && s.name.empty() ? "" : dim_text(s) + " is not " + dim_text(o);
    const Dim& most = op_.at(o.name);
    const Dim& own = s.name.empty() ? s : stage_.at(s.name);
    // Equal dims of the op must stay equal in the stage.
    auto [seen, fresh] = renamed_.try_emplace(o.name, s);
    if (!fresh && (seen->second.name != s.name || seen->second.number != s.number))
      return o.name + " is " + dim_text(s) + " here and " + dim_text(seen->second) + " before";
    bool fixed = own.number >= 0;
    if ((fixed ? own.number : own.multiple) % most.multiple != 0)
      return dim_text(s) + " is not a multiple of " + std::to_string(most.multiple);
    int64_t largest = fixed ? own.number : own.most;
    if (most.most >= 0 && (largest < 0 || largest > most.most))
      return dim_text(s) + " may be more than " + std::to_string(most.most);
    return "";
  }

  Limits stage_, op_;
  std::map<std::string, Dim> renamed_;
};

}  // namespace

std::string narrows(const Signature& stage, const Signature& op) {
  if (stage.op != op.op) return "wanted op '" + op.op + "', got '" + stage.op + "'";
  Narrowing n(stage, op);
  std::string why = n.ports(stage.in, op.in, "input");
  return why.empty() ? n.ports(stage.out, op.out, "output") : why;
}

std::string matches(const npurt_spec& spec, const Port& port, Bindings& names) {
  auto no = [&](const std::string& why) { return "wanted " + port_text(port) + ", got " + spec_text(spec) + ": " + why; };
  if (!std::count(port.dtypes.begin(), port.dtypes.end(), static_cast<npurt_dtype>(spec.dtype)))
    return no(dtype_name(spec.dtype) + std::string(" is not ") + dtypes_text(port));
  if (spec.rank != port.dims.size()) return no(std::to_string(spec.rank) + " dims, wanted " + std::to_string(port.dims.size()));
  if ((spec.layout == 0) != port.layout.empty())
    return no("its layout is " + (spec.layout == 0 ? "row" : std::to_string(spec.layout)));
  Bindings bound = names;
  for (uint32_t i = 0; i < spec.rank; ++i) {
    const Dim& d = port.dims[i];
    int64_t n = spec.dims[i];
    if (n == NPURT_UNKNOWN) continue;
    std::string is = (d.name.empty() ? "dim " + std::to_string(i + 1) : d.name) + "=" + std::to_string(n);
    if (n < 0) return no(is + " is negative");
    if (d.number >= 0 && n != d.number) return no(is + " is not " + std::to_string(d.number));
    if (n % d.multiple != 0) return no(is + " is not a multiple of " + std::to_string(d.multiple));
    if (d.most >= 0 && n > d.most) return no(is + " is more than " + std::to_string(d.most));
    if (d.name.empty()) continue;
    auto [it, fresh] = bound.try_emplace(d.name, n);
    if (!fresh && it->second != n) return no(is + ", but " + d.name + " is " + std::to_string(it->second) + " elsewhere");
  }
  names = std::move(bound);
  return "";
}

}  // namespace npurt
