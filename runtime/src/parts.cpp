#include "parts.hpp"

#include <algorithm>

#include "layout.hpp"

namespace npurt {

int64_t Parts::row() const {
  int64_t n = 1;
  for (size_t i = 1; i < dims.size(); ++i) n *= dims[i];
  return n;
}

std::optional<Parts> find_parts(const ModelFile& model, const nlohmann::json& facts, const std::string& name) {
  std::vector<std::string> each;
  if (auto star = name.find('*'); star == std::string::npos) {
    each = sources_of(model.layout, name);
  } else {
    const auto count = facts.find(name.rfind("encoder", 0) == 0 ? "n_audio_layer" : "n_text_layer");
    const int layers = count != facts.end() && count->is_number_unsigned() ? std::min(count->get<int>(), 256) : 0;
    for (int i = 0; i < layers; ++i)
      for (auto& s : sources_of(model.layout, std::string(name).replace(star, 1, std::to_string(i))))
        each.push_back(std::move(s));
  }
  if (each.empty()) return {};
  Parts p;
  const Stored* any = nullptr;
  for (const auto& s : each) {
    auto it = s.empty() ? model.tensors.end() : model.tensors.find(s);
    if (!s.empty() && it == model.tensors.end()) return {};
    p.stored.push_back(s.empty() ? nullptr : &it->second);
    p.names.push_back(s);
    if (!any) any = p.stored.back();
  }
  p.dims = any->dims;
  if (p.stored.size() == 1) return p;
  if (any->dims.empty()) return {};
  p.dims[0] = 0;
  for (const Stored* s : p.stored) {
    if (s && (s->dims.size() != any->dims.size() || !std::equal(s->dims.begin() + 1, s->dims.end(), any->dims.begin() + 1)))
      throw Error(Exit::input, model.path.string() + ": the parts of tensor '" + name + "' have different shapes");
    p.dims[0] += s ? s->dims[0] : any->dims[0];
  }
  return p;
}

}  // namespace npurt
