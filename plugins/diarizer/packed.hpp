// A matrix kept in the order in which kernels().product reads it.
#pragma once

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

}  // namespace diarizer
