#include "contract.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <regex>

namespace npurt::cli {

namespace {

const std::regex kPort(R"(([a-z_0-9]+)(\?)?\s+([a-z0-9|]+)(?:\[([^\]]*)\])?)");
const std::regex kDim(R"(\s*([A-Za-z0-9_]+)\s*(%|<=)?\s*(\d+)?)");

int64_t size_of(const std::string& name, const Contract& c, int64_t about) {
  int64_t size = about;
  for (const auto& [dim, multiple] : c.multiples)
    if (dim == name) size = (size + multiple - 1) / multiple * multiple;
  for (const auto& [dim, most] : c.limits)
    if (dim == name) size = std::min(size, most);
  return size;
}

}  // namespace

Contract read_contract(const std::string& signature) {
  Contract c;
  const size_t arrow = signature.find("->");
  c.split = signature.find("@split", arrow) != std::string::npos;
  c.json = signature.find("json") != std::string::npos;
  const std::string in = signature.substr(0, arrow);
  for (std::sregex_iterator it(in.begin(), in.end(), kPort), none; it != none; ++it) {
    const std::string types = (*it)[3], list = (*it)[4];
    ContractPort port{(*it)[1], types.substr(0, types.find('|')), {}, (*it)[2].matched};
    for (std::sregex_iterator d(list.begin(), list.end(), kDim); d != none; ++d) {
      const std::string name = (*d)[1];
      port.dims.push_back(name);
      if ((*d)[2] == "%") c.multiples.emplace_back(name, std::stoll((*d)[3]));
      if ((*d)[2] == "<=") c.limits.emplace_back(name, std::stoll((*d)[3]));
    }
    c.in.push_back(std::move(port));
  }
  return c;
}

std::vector<Tensor> made_up(const Contract& c, int64_t about, unsigned seed) {
  std::mt19937 chance(seed);
  std::uniform_real_distribution<float> real(-1, 1);
  std::vector<Tensor> all;
  for (const ContractPort& port : c.in) {
    Tensor t{port.name, port.dtype, {}, nullptr, 0, nullptr};
    size_t count = 1;
    for (const std::string& dim : port.dims) {
      t.dims.push_back(std::isdigit(static_cast<unsigned char>(dim[0])) ? std::stoll(dim) : size_of(dim, c, about));
      count *= static_cast<size_t>(t.dims.back());
    }
    const std::map<std::string, size_t> sizes{{"f32", 4}, {"i32", 4}, {"i64", 8}, {"f16", 2}, {"bf16", 2}};
    const size_t each = sizes.contains(t.dtype) ? sizes.at(t.dtype) : 1;
    std::vector<unsigned char> bytes(count * each, 0);
    for (size_t i = 0; i < count; ++i) {
      const float x = real(chance);
      const auto whole = static_cast<int>(20 * x + 20);
      if (t.dtype == "f32") std::memcpy(&bytes[i * each], &x, each);
      else if (t.dtype == "bf16") std::memcpy(&bytes[i * each], reinterpret_cast<const char*>(&x) + 2, each);
      else if (t.dtype != "f16") bytes[i * each] = static_cast<unsigned char>(whole);
      else bytes[i * each + 1] = static_cast<unsigned char>(0x3c | (x < 0 ? 0x80 : 0));  // 1 or -1
    }
    t.data = bytes.data();
    t.bytes = bytes.size();
    all.push_back(t.copy());
  }
  return all;
}

}  // namespace npurt::cli
