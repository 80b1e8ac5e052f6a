#include <cmath>

#include "weights.hpp"

namespace npurt {

void verify_model(const std::filesystem::path& path) {
  const auto weights = Weights::open(path);
  for (const ModelTensor& t : weights->info().tensors) {
    npurt_tensor x{};
    if (!weights->tensor(t.name, NPURT_F32, x))
      throw Error(Exit::input, path.string() + ": tensor '" + t.name + "' cannot be read");
    const auto* v = static_cast<const float*>(x.data);
    for (uint64_t i = 0; i < x.bytes / sizeof(float); ++i)
      if (!std::isfinite(v[i]))
        throw Error(Exit::input,
                    path.string() + ": tensor '" + t.name + "' holds a value that is not a number, at " + std::to_string(i));
  }
}

ModelInfo model_info(const std::filesystem::path& path) { return Weights::open(path)->info(); }

}  // namespace npurt
