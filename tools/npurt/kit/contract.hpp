// A stage's signature, as far as inputs can be made up for it.
#pragma once

#include <npurt/runtime.hpp>
#include <string>
#include <utility>
#include <vector>

namespace npurt::cli {

struct ContractPort {
  std::string name, dtype;        // the first dtype it takes
  std::vector<std::string> dims;  // names and numbers
  bool optional = false;
};
struct Contract {
  std::vector<ContractPort> in;
  std::vector<std::pair<std::string, int64_t>> multiples, limits;  // K%64, T<=3000
  bool split = false, json = false;
};
// Of text that the runtime has accepted as a signature.
Contract read_contract(const std::string& signature);

// Inputs of made-up values (uniform in [-1, 1], small integers), the same for the same seed; equal names are equal dims, none of
// them below `about` unless the contract wants it.
std::vector<Tensor> made_up(const Contract& c, int64_t about, unsigned seed);

}  // namespace npurt::cli
