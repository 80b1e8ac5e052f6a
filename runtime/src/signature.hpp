// Op contracts as text, the one parser for them, and the checks made with them. Language: docs/graph.md, "Signatures".
//
//   matmul: a f32|bf16|i8[M,K], residual? f32[M,N] -> c f32[M,N]
//
// A dim is a name, a number, K%64 (a multiple of 64) or T<=3000; `:row` after the shape is a layout; `?` marks an optional input;
// `@stream` means once per file, `@split` an output whose packets do not match the inputs one to one.
#pragma once

#include <npurt/abi.h>

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace npurt {

struct Dim {
  std::string name;      // "" for a plain number
  int64_t number = -1;   // exact value of a plain number
  int64_t multiple = 1;  // K%64
  int64_t most = -1;     // T<=3000
};

struct Port {
  std::string name;
  std::vector<npurt_dtype> dtypes;
  std::vector<Dim> dims;  // json: one unnamed dim
  std::string layout;     // "" is row-major
  bool optional = false, stream = false, split = false;
};

struct Signature {
  std::string op;
  std::vector<Port> in, out;
  int input(std::string_view name) const;   // index or -1
  int output(std::string_view name) const;  // index or -1
  std::string text() const;
};

// what(): "column 10: wanted a dtype (f32, …), got 'float'".
struct BadSignature : std::invalid_argument {
  BadSignature(size_t column, const std::string& sentence);
  size_t column;         // 1-based, in bytes
  std::string sentence;  // what() without the column
};

// `text` with or without the leading "op:" (then `op` names it). Throws BadSignature.
Signature parse_signature(std::string_view text, std::string_view op = "");

// One port alone: "x f32[T,D]". Throws BadSignature.
Port parse_port(std::string_view text);

// "" if `stage` promises no more than `op` allows and has the same ports; else one sentence.
std::string narrows(const Signature& stage, const Signature& op);

// Dim names bound so far, for one node.
using Bindings = std::map<std::string, int64_t>;

// "" if `spec` fits `port`, binding its dim names; else one sentence: "wanted a f32[M,K%64], got f32[1500,100]: K=100 is not a
// multiple of 64", and `names` stays as it was. NPURT_UNKNOWN dims fit every dim and bind nothing.
std::string matches(const npurt_spec& spec, const Port& port, Bindings& names);

const char* dtype_name(uint32_t dtype);    // "f32", … "json"; "?" if unknown
uint64_t dtype_bytes(uint32_t dtype);      // 0 if unknown
std::string spec_text(const npurt_spec&);  // "f32[1500,384]", unknown dims as "?"; "json"
std::string port_text(const Port&);        // "a f32|bf16[M,K%64]"

}  // namespace npurt
