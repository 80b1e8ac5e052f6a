// npu_attention on the virtual NPU against the definition in doubles.
#include <cmath>
#include <random>

#include "catch.hpp"
#include "stage.hpp"

using npurt_test::Stage;
using npurt_test::Tensor;

namespace {

// Rows of y for some rows of qkv [length, 192·heads].
std::vector<double> definition(const std::vector<float>& qkv, size_t length, size_t heads, size_t row, size_t head) {
  const size_t all = 64 * heads, stride = 3 * all;
  std::vector<double> score(length), out(64);
  double top = -1e300, sum = 0;
  for (size_t i = 0; i < length; ++i) {
    for (size_t d = 0; d < 64; ++d)
      score[i] += static_cast<double>(qkv[row * stride + head * 64 + d]) * qkv[i * stride + all + head * 64 + d] / 8;
    top = std::max(top, score[i]);
  }
  for (size_t i = 0; i < length; ++i) {
    const double p = std::exp(score[i] - top);
    sum += p;
    for (size_t d = 0; d < 64; ++d) out[d] += p * qkv[i * stride + 2 * all + head * 64 + d];
  }
  for (double& x : out) x /= sum;
  return out;
}

struct Agreement {
  double error, correlation;
};

// Values as a trained model has them: scores of several units, one key in a hundred that stands out.
Agreement compare(size_t length, size_t heads) {
  std::mt19937 chance(21);
  std::normal_distribution<float> normal;
  std::vector<float> qkv(length * 192 * heads);
  for (size_t i = 0; i < qkv.size(); ++i) qkv[i] = normal(chance) * (i / (192 * heads) % 100 == 0 ? 2.5F : 1.2F);
  Stage s(npurt_test::load(NPURT_PLUGIN_DIR "/libnpurt_npu_attention.so"), "attention");
  s.options = {{"npu", "virtual"}, {"heads", std::to_string(heads)}};
  const auto rows = static_cast<int64_t>(length), width = static_cast<int64_t>(192 * heads);
  s.open({npurt::Spec(NPURT_F32, {rows, width})}, 1);
  const auto y = s.run({Tensor::of(qkv, {rows, width})})[0].as<float>();
  double error = 0, xx = 0, yy = 0, xy = 0;
  for (size_t row = 0; row < length; row += 1 + length / 40)
    for (size_t h = 0; h < heads; ++h) {
      const auto want = definition(qkv, length, heads, row, h);
      for (size_t d = 0; d < 64; ++d) {
        const double got = y[row * 64 * heads + h * 64 + d];
        error += std::pow(got - want[d], 2), xx += want[d] * want[d], yy += got * got, xy += got * want[d];
      }
    }
  return {std::sqrt(error / xx), xy / std::sqrt(xx * yy)};
}

}  // namespace

TEST_CASE("attention over 1500 keys is right to half a percent") {
  const Agreement a = compare(1500, 2);
  INFO("error " << a.error << ", correlation " << a.correlation);
  CHECK(a.error <= 5e-3);
  CHECK(a.correlation >= 0.9999);
}

TEST_CASE("short lengths, and tiles of keys that are cut off") {  // fewer keys, so that less of the rounding averages out
  for (size_t length : {4, 64, 68, 516}) {
    const Agreement a = compare(length, 1);
    INFO(length << " keys: error " << a.error);
    CHECK(a.error <= 1e-2);
  }
}

TEST_CASE("what the kernel cannot do is refused") {
  Stage s(npurt_test::load(NPURT_PLUGIN_DIR "/libnpurt_npu_attention.so"), "attention");
  s.options = {{"npu", "virtual"}, {"heads", "3"}};
  CHECK_THROWS_WITH(s.plan({npurt::Spec(NPURT_F32, {8, 9 * 32})}, 1), "heads are 32 wide; the kernel does 64");
  CHECK_THROWS_WITH(s.plan({npurt::Spec(NPURT_F32, {8, 100})}, 1), "qkv has rows of 100, which is not 3 times 3 heads");
}
