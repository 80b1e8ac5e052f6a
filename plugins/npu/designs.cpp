#include "designs.hpp"

#include "attention/design.hpp"
#include "gemm.hpp"
#include "layer/design.hpp"
#include "layer_norm/design.hpp"

namespace npurt_npu {

std::vector<Design> all_designs(const Generation& g) {
  return {gemm_design(g, gemm_i8()), gemm_design(g, gemm_bf16()), attention_design(g), layer_norm_design(g), layer_design(g)};
}

CoreProgram core_program(const std::string& name) {
  if (name == "gemm_i8") return gemm_program(gemm_i8());
  if (name == "gemm_bf16") return gemm_program(gemm_bf16());
  if (name == "attention_bf16") return attention_program();
  if (name == "layer_norm_bf16") return layer_norm_program();
  if (name == "encoder_layer_bf16") return layer_program();
  throw LimitError("there is no core program '" + name + "'");
}

}  // namespace npurt_npu
