// Model files, mapped once and shared: canonical names, converted on demand, whatever layout they came in (docs/models.md).
#pragma once

#include <npurt/abi.h>

#include <memory>
#include <npurt/runtime.hpp>
#include <string>

namespace npurt {

class Weights {
 public:
  // Maps a model file or folder and checks every length in it. Throws Error(input) naming the file and the place.
  static std::shared_ptr<Weights> open(const std::filesystem::path& path);
  // As open, but one object per path while anyone holds it. Thread-safe.
  static std::shared_ptr<Weights> shared(const std::filesystem::path& path);
  virtual ~Weights() = default;

  // Tensor `name` as `dtype` (0: as stored): f32 from anything; i8 per row, with "<name>.scale" f32[rows]. Converted once, valid
  // as long as this object. False if there is no such tensor. Thread-safe.
  virtual bool tensor(const std::string& name, uint32_t dtype, npurt_tensor& out) = 0;
  // Unified config JSON.
  virtual const std::string& config() const = 0;
  virtual ModelInfo info() const = 0;
};

}  // namespace npurt
