// npu_layer_norm on the virtual NPU against the definition in doubles.
#include <cmath>
#include <random>

#include "../plugins/npu/device.hpp"
#include "../plugins/npu/layer_norm/design.hpp"
#include "../plugins/npu/virtual/machine.hpp"
#include "catch.hpp"
#include "stage.hpp"

using namespace npurt_npu;
using npurt_test::Stage;
using npurt_test::Tensor;

namespace {

struct Answer {
  double error, correlation;
};

// Rows with a mean and one value that stands out, as an encoder has them.
Answer compare(int64_t rows, int64_t width) {
  std::mt19937 chance(8);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(rows * width)), gamma, beta;
  for (size_t i = 0; i < x.size(); ++i) x[i] = 0.3F + normal(chance) * (i % 97 == 0 ? 20.0F : 1.0F);
  for (int64_t i = 0; i < width; ++i) gamma.push_back(1 + 0.3F * normal(chance)), beta.push_back(0.2F * normal(chance));
  Stage s(npurt_test::load(NPURT_PLUGIN_DIR "/libnpurt_npu_layer_norm.so"), "layer_norm");
  s.options = {{"npu", "virtual"}, {"weight", "g"}, {"bias", "b"}};
  s.weights = [&](const std::string& name, uint32_t, npurt_tensor& out) {
    auto& v = name == "g" ? gamma : beta;
    out.spec = npurt::Spec(NPURT_F32, {width});
    out.data = v.data();
    out.bytes = 4 * v.size();
    return NPURT_OK;
  };
  s.open({npurt::Spec(NPURT_F32, {rows, width})}, 1);
  const auto y = s.run({Tensor::of(x, {rows, width})})[0].as<float>();
  double error = 0, xx = 0, yy = 0, xy = 0;
  for (int64_t t = 0; t < rows; ++t) {
    const float* row = x.data() + t * width;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < width; ++i) mean += row[i] / static_cast<double>(width);
    for (int64_t i = 0; i < width; ++i) variance += std::pow(row[i] - mean, 2) / static_cast<double>(width);
    for (int64_t i = 0; i < width; ++i) {
      const auto at = static_cast<size_t>(i);
      const double want = (row[i] - mean) / std::sqrt(variance + 1e-5) * gamma[at] + beta[at];
      const double got = y[static_cast<size_t>(t * width) + at];
      error += std::pow(got - want, 2), xx += want * want, yy += got * got, xy += got * want;
    }
  }
  return {std::sqrt(error / xx), xy / std::sqrt(xx * yy)};
}

}  // namespace

TEST_CASE("rows of every width of Whisper's encoders are normalised, to bf16") {
  for (const auto& [rows, width] : {std::pair<int64_t, int64_t>{1500, 384}, {1, 512}, {37, 768}, {65, 1280}, {3, 16}}) {
    const Answer a = compare(rows, width);
    INFO(rows << "x" << width << ": error " << a.error << ", correlation " << a.correlation);
    CHECK(a.error < 5e-3);
    CHECK(a.correlation > 0.9999);
  }
}

TEST_CASE("what a layer norm launch uses is known without running it") {
  const Generation& npu1 = generation("npu1");
  const Rows r{500, 384};
  std::vector<std::byte> x(row_bytes(r)), scale(kScaleBytes), y(row_bytes(r));
  const Argument all[] = {
      {1ULL << 32, x.data(), x.size()}, {2ULL << 32, scale.data(), scale.size()}, {3ULL << 32, y.data(), y.size()}};
  Machine machine(npu1, layer_norm_design(npu1));
  const Usage ran = machine.execute(layer_norm_instructions(npu1, r), all), said = layer_norm_usage(npu1, r);
  CHECK(ran.core_cycles == said.core_cycles);
  CHECK(ran.channel_cycles == said.channel_cycles);
  CHECK(ran.read == said.read);
  CHECK(ran.written == said.written);
}

TEST_CASE("rows that no core can hold are refused") {
  Stage s(npurt_test::load(NPURT_PLUGIN_DIR "/libnpurt_npu_layer_norm.so"), "layer_norm");
  s.options = {{"npu", "virtual"}, {"weight", "g"}, {"bias", "b"}};
  CHECK_THROWS_WITH(s.plan({npurt::Spec(NPURT_F32, {4, 1600})}, 1), "rows of 1600 values; a core takes up to 1280");
}
