#include "signature.hpp"

#include <npurt/plugin.hpp>

#include "catch.hpp"
#include "ops.hpp"

using namespace npurt;

namespace {

std::string error_of(const std::string& text, const std::string& op = "") {
  try {
    parse_signature(text, op);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "no error";
}

std::string narrow(const std::string& stage, const std::string& op) {
  return narrows(parse_signature(stage, "op"), parse_signature(op, "op"));
}

std::string match(const std::string& port, const Spec& spec, Bindings names = {}) {
  return matches(spec, parse_port(port), names);
}

}  // namespace

TEST_CASE("every built-in op parses, and its text is itself") {
  for (const std::string& text : builtin_ops()) {
    INFO(text);
    CHECK(parse_signature(text).text() == text);
  }
}

TEST_CASE("a signature's parts") {
  Signature s = parse_signature("matmul: a f32|bf16[M,K%64], r? i8[M,T<=3000,3]:tile8x8 -> c json@stream, d f32[M%8<=64]@split");
  CHECK(s.op == "matmul");
  REQUIRE(s.in.size() == 2);
  REQUIRE(s.out.size() == 2);
  CHECK(s.input("r") == 1);
  CHECK(s.input("c") == -1);
  CHECK(s.output("d") == 1);
  CHECK(s.in[0].dtypes == std::vector{NPURT_F32, NPURT_BF16});
  CHECK(s.in[0].dims[1].name == "K");
  CHECK(s.in[0].dims[1].multiple == 64);
  CHECK_FALSE(s.in[0].optional);
  CHECK(s.in[1].optional);
  CHECK(s.in[1].dims[1].most == 3000);
  CHECK(s.in[1].dims[2].name.empty());
  CHECK(s.in[1].dims[2].number == 3);
  CHECK(s.in[1].layout == "tile8x8");
  CHECK(s.out[0].stream);
  CHECK(s.out[0].dims.size() == 1);
  CHECK(s.out[1].split);
  CHECK(s.out[1].dims[0].multiple == 8);
  CHECK(s.out[1].dims[0].most == 64);
}

TEST_CASE("the text of a signature is normal") {
  CHECK(parse_signature("a   f32 [ T , 2 ] : row@split->b f32[T]", "op").text() == "op: a f32[T,2]@split -> b f32[T]");
  CHECK(parse_signature("source: -> audio f32[S]@split").text() == "source: -> audio f32[S]@split");
  CHECK(parse_signature("sink: x json ->").text() == "sink: x json ->");
  CHECK(parse_signature("->").text() == "->");
}

TEST_CASE("a bad signature names the column and what was wanted") {
  CHECK(error_of("a float[T] -> b f32[T]") == "column 3: wanted a dtype (f32, f16, bf16, i8, u8, i32, i64 or json), got 'float'");
  CHECK(error_of("a f32 -> b f32[T]") == "column 7: wanted '|' or '[', got '-'");
  CHECK(error_of("a f32[T b") == "column 9: wanted ',' or ']', got 'b'");
  CHECK(error_of("a f32[T") == "column 8: wanted ',' or ']', got the end");
  CHECK(error_of("a f32[]->") == "column 7: wanted a dim (a name or a number), got ']'");
  CHECK(error_of("a f32[T%0]->") == "column 9: wanted a positive number, got '0'");
  CHECK(error_of("a f32[0]->") == "column 7: wanted a positive number, got '0'");
  CHECK(error_of("a f32[T<=x]->") == "column 10: wanted a positive number, got 'x'");
  CHECK(error_of("a f32[99999999999999999999]->") == "column 7: wanted a positive number, got '99999999999999999999'");
  CHECK(error_of("a f32[A,B,C,D,E,F,G]->") == "column 19: wanted at most 6 dims, got 'G'");
  CHECK(error_of("a f32[T]") == "column 9: wanted ',' or '->', got the end");
  CHECK(error_of("") == "column 1: wanted a port's name, got the end");
  CHECK(error_of("op: a f32[T], -> b f32[T]") == "column 15: wanted a port's name, got '-'");
  CHECK(error_of("a f32[T]@twice ->") == "column 10: wanted 'stream' or 'split', got 'twice'");
  CHECK(error_of("a f32[T]: ->") == "column 11: wanted a layout's name, got '-'");
  CHECK(error_of("a f32|json ->") == "column 3: json stands alone, not beside other dtypes");
  CHECK(error_of("a f32[T], a f32[T] ->") == "column 11: there is already an input 'a'");
  CHECK(error_of("-> c f32[T] -> d f32[T]") == "column 13: wanted ',' or the end, got '-'");
  CHECK(error_of("-> c? f32[T]") == "column 1: output 'c' cannot be optional");
  CHECK(error_of("matmul: a f32[T] ->", "conv1d") == "column 1: wanted op 'conv1d', got 'matmul'");
}

TEST_CASE("a port alone") {
  CHECK(port_text(parse_port("x f32[T,D]")) == "x f32[T,D]");
  CHECK_THROWS_WITH(parse_port("x f32[T,D] y"), "column 12: wanted the end, got 'y'");
}

TEST_CASE("a stage may promise less than its op, not more") {
  CHECK(narrow("a f32|i8[M,K] -> c f32[M]", "a f32|i8[M,K] -> c f32[M]").empty());
  CHECK(narrow("a i8[M,K%64] -> c f32[M]", "a f32|i8[M,K] -> c f32|i8[M]").empty());
  CHECK(narrow("a f32[S,384] -> c f32[S]", "a f32[M,K] -> c f32[M]").empty());
  CHECK(narrow("a f32[M%128] -> ", "a f32[M%64] ->").empty());
  CHECK(narrow("a f32[M<=100] -> ", "a f32[M<=3000] ->").empty());
  CHECK(narrow("a f32[T,T] -> ", "a f32[M,K] ->").empty());
  CHECK(narrow("a f32[M%64] -> c f32[M]", "a f32[M] -> c f32[M%64]").empty());

  CHECK(narrow("a f32|f16[M] ->", "a f32[M] ->") ==
        "input 1: wanted a f32[M] or narrower, got a f32|f16[M]: f16 is not one of f32");
  CHECK(narrow("a f32[M] ->", "a f32[M], b f32[M] ->") == "wanted 2 inputs, got 1");
  CHECK(narrow("b f32[M] ->", "a f32[M] ->") == "input 1: wanted a f32[M] or narrower, got b f32[M]: its name is 'a'");
  CHECK(narrow("a f32[M,K] ->", "a f32[M] ->") == "input 1: wanted a f32[M] or narrower, got a f32[M,K]: 2 dims, wanted 1");
  CHECK(narrow("a f32[M] -> c f32[N]", "a f32[M] -> c f32[M]") ==
        "output 1: wanted c f32[M] or narrower, got c f32[N]: M is N here and M before");
  CHECK(narrow("a f32[M%32] ->", "a f32[M%64] ->") ==
        "input 1: wanted a f32[M%64] or narrower, got a f32[M%32]: M%32 is not a multiple of 64");
  CHECK(narrow("a f32[M] ->", "a f32[M<=10] ->") ==
        "input 1: wanted a f32[M<=10] or narrower, got a f32[M]: M may be more than 10");
  CHECK(narrow("a f32[4] ->", "a f32[3] ->") == "input 1: wanted a f32[3] or narrower, got a f32[4]: 4 is not 3");
  CHECK(narrow("a? f32[M] ->", "a f32[M] ->") == "input 1: wanted a f32[M] or narrower, got a? f32[M]: it is not optional");
  CHECK(narrow("-> a json", "-> a json@stream") == "output 1: wanted a json@stream or narrower, got a json: it is @stream");
  CHECK(narrow("-> a json@split", "-> a json") == "output 1: wanted a json or narrower, got a json@split: it is not @split");
  CHECK(narrow("a f32[M]:t8 ->", "a f32[M] ->") == "input 1: wanted a f32[M] or narrower, got a f32[M]:t8: its layout is row");
  CHECK(narrows(parse_signature("x: ->"), parse_signature("y: ->")) == "wanted op 'y', got 'x'");
}

TEST_CASE("a spec fits a port or says why not") {
  CHECK(match("a f32[M,K%64]", Spec(NPURT_F32, {1500, 128})).empty());
  CHECK(match("a json", Spec(NPURT_JSON, {17})).empty());
  CHECK(match("a f32[M,3]", Spec(NPURT_F32, {NPURT_UNKNOWN, NPURT_UNKNOWN})).empty());

  CHECK(match("a f32[M,K%64]", Spec(NPURT_F32, {1500, 100})) ==
        "wanted a f32[M,K%64], got f32[1500,100]: K=100 is not a multiple of 64");
  CHECK(match("a f32|i8[M]", Spec(NPURT_I64, {3})) == "wanted a f32|i8[M], got i64[3]: i64 is not f32|i8");
  CHECK(match("a f32[M]", Spec(NPURT_F32, {3, 4})) == "wanted a f32[M], got f32[3,4]: 2 dims, wanted 1");
  CHECK(match("a f32[T<=30]", Spec(NPURT_F32, {31})) == "wanted a f32[T<=30], got f32[31]: T=31 is more than 30");
  CHECK(match("a f32[T,3]", Spec(NPURT_F32, {1, 4})) == "wanted a f32[T,3], got f32[1,4]: dim 2=4 is not 3");
  CHECK(match("a f32[T]:t8", Spec(NPURT_F32, {1})) == "wanted a f32[T]:t8, got f32[1]: its layout is row");
  CHECK(match("a f32[T]", Spec(NPURT_F32, {-7})) == "wanted a f32[T], got f32[?]: T=-7 is negative");
  CHECK(match("a f32[T]", Spec(NPURT_F32, {5}), {{"T", 4}}) == "wanted a f32[T], got f32[5]: T=5, but T is 4 elsewhere");
}

TEST_CASE("matching binds names, and only when it succeeds") {
  Bindings names;
  CHECK(matches(Spec(NPURT_F32, {5, NPURT_UNKNOWN}), parse_port("a f32[M,K]"), names).empty());
  CHECK(names == Bindings{{"M", 5}});
  CHECK_FALSE(matches(Spec(NPURT_F32, {7, 6}), parse_port("a f32[N,M]"), names).empty());
  CHECK(names == Bindings{{"M", 5}});
}

TEST_CASE("names of dtypes and specs") {
  CHECK(std::string(dtype_name(NPURT_BF16)) == "bf16");
  CHECK(std::string(dtype_name(99)) == "?");
  CHECK(dtype_bytes(NPURT_I64) == 8);
  CHECK(dtype_bytes(0) == 0);
  CHECK(spec_text(Spec(NPURT_F32, {1500, NPURT_UNKNOWN})) == "f32[1500,?]");
  CHECK(spec_text(Spec(NPURT_JSON, {12})) == "json");
  npurt_spec wild = Spec(NPURT_I8, {1});
  wild.rank = 1000;
  CHECK(spec_text(wild) == "i8[1,0,0,0,0,0]");
}
