// Matrices kept in the order in which the kernels read them.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels.hpp"

namespace diarizer {

class Packed {
 public:
  Packed() = default;
  // From row-major w[outputs, inputs]: y = x w^T. Outputs are padded with zeros to a multiple of kPanel.
  Packed(const float* w, long outputs, long inputs)
      : width_((outputs + kPanel - 1) / kPanel * kPanel), inputs_(inputs), data_(static_cast<size_t>(width_ * inputs)) {
    for (long o = 0; o < outputs; ++o)
      for (long i = 0; i < inputs; ++i)
        data_[static_cast<size_t>(((o / kPanel) * inputs + i) * kPanel + o % kPanel)] = w[o * inputs + i];
  }
  long width() const { return width_; }
  // y[m, ldy] += x[m, ldx] w^T
  void add(const float* x, long m, long ldx, float* y, long ldy) const {
    kernels().product(x, m, ldx, data_.data(), width_, inputs_, y, ldy);
  }

 private:
  long width_ = 0, inputs_ = 0;
  std::vector<float> data_;
};

// A matrix in bytes, with a scale for each output, for inputs between -1 and 1 that are bytes too: value = (byte - 128) / 127.
class PackedBytes {
 public:
  PackedBytes() = default;
  // From row-major w[outputs, inputs]; outputs are a multiple of kPanel, inputs of 4. What the inputs' 128 adds to each output is
  // taken off `bias`.
  PackedBytes(const float* w, long outputs, long inputs, float* bias)
      : width_(outputs), inputs_(inputs), data_(static_cast<size_t>(outputs * inputs)), scale_(static_cast<size_t>(outputs)) {
    for (long o = 0; o < outputs; ++o) {
      const float* row = w + o * inputs;
      float most = 1e-12F;
      for (long i = 0; i < inputs; ++i) most = std::max(most, std::fabs(row[i]));
      long sum = 0;
      for (long i = 0; i < inputs; ++i) {
        const auto byte = static_cast<int8_t>(std::lround(row[i] / most * 127));
        data_[static_cast<size_t>((o / kPanel * inputs + i / 4 * 4) * kPanel + o % kPanel * 4 + i % 4)] = byte;
        sum += byte;
      }
      const float scale = most / (127 * 127);
      scale_[static_cast<size_t>(o)] = scale;
      bias[o] -= 128 * scale * static_cast<float>(sum);
    }
  }
  void add(const uint8_t* x, long m, long ldx, float* y, long ldy) const {
    kernels().product_i8(x, m, ldx, data_.data(), scale_.data(), width_, inputs_, y, ldy);
  }
  static uint8_t byte(float x) { return static_cast<uint8_t>(128.5F + 127 * x); }

 private:
  long width_ = 0, inputs_ = 0;
  std::vector<int8_t> data_;
  std::vector<float> scale_;
};

}  // namespace diarizer
