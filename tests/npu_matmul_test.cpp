// The npu_matmul stages on the virtual NPU.
#include <cmath>
#include <random>

#include "../plugins/npu/self_test.hpp"
#include "../plugins/npu/virtual/device.hpp"
#include "catch.hpp"
#include "stage.hpp"

using namespace npurt_npu;
using npurt_test::Stage;
using npurt_test::Tensor;

namespace {

constexpr int64_t kM = 37, kK = 72, kN = 21;

struct Model {
  Model() {
    std::mt19937 chance(5);
    auto next = [&] { return static_cast<float>(static_cast<int32_t>(chance() % 2001) - 1000) / 1000; };
    for (int64_t i = 0; i < kN * kK; ++i) {
      i8.push_back(static_cast<int8_t>(chance() % 255 - 127));
      f32.push_back(i8.back() * 0.01F);
    }
    scale.assign(kN, 0.01F);
    for (int64_t i = 0; i < kN; ++i) bias.push_back(next());
    for (int64_t i = 0; i < kM * kK; ++i) a.push_back(next() * (i % 97 == 0 ? 8.0F : 1.0F) + 0.5F);
    for (int64_t i = 0; i < kM * kN; ++i) residual.push_back(next());
  }
  int32_t weight(const std::string& name, uint32_t dtype, npurt_tensor& out) {
    auto give = [&](auto& v, std::initializer_list<int64_t> dims) {
      using T = std::decay_t<decltype(v[0])>;
      out.spec = npurt::Spec(npurt::dtype_of<T>(), dims);
      out.data = v.data();
      out.bytes = v.size() * sizeof(T);
      return NPURT_OK;
    };
    if (name == "b") return give(bias, {kN});
    if (name == "w.scale") return give(scale, {kN});
    if (name == "w") return dtype == NPURT_F32 ? give(f32, {kN, kK}) : give(i8, {kN, kK});
    return NPURT_REFUSE;
  }
  // act(a·Wᵀ + bias) + residual
  std::vector<float> right() const {
    std::vector<float> c;
    for (int64_t i = 0; i < kM; ++i)
      for (int64_t j = 0; j < kN; ++j) {
        double sum = bias[j];
        for (int64_t k = 0; k < kK; ++k) sum += static_cast<double>(a[i * kK + k]) * f32[j * kK + k];
        sum *= 0.5 + 0.5 * std::erf(sum / std::sqrt(2.0));
        c.push_back(static_cast<float>(sum + residual[i * kN + j]));
      }
    return c;
  }
  std::vector<int8_t> i8;
  std::vector<float> f32, scale, bias, a, residual;
};

std::vector<float> product(Model& m, const char* kernel, const std::vector<float>& a) {
  Stage s(npurt_test::load(NPURT_PLUGIN_DIR "/libnpurt_npu_matmul.so"), "matmul", kernel);
  s.options = {{"npu", "virtual"}, {"weight", "w"}, {"bias", "b"}, {"activation", "gelu"}};
  s.weights = [&](const std::string& name, uint32_t dtype, npurt_tensor& out) { return m.weight(name, dtype, out); };
  s.open({npurt::Spec(NPURT_F32, {kM, kK}), npurt::Spec(NPURT_F32, {kM, kN})}, 1);
  return s.run({Tensor::of(a, {kM, kK}), Tensor::of(m.residual, {kM, kN})})[0].as<float>();
}

double relative_error(const std::vector<float>& x, const std::vector<float>& right) {
  double error = 0, size = 0;
  for (size_t i = 0; i < x.size(); ++i) error += std::pow(x[i] - right[i], 2), size += std::pow(right[i], 2);
  return std::sqrt(error / size);
}

}  // namespace

TEST_CASE("both kernels give the product, with bias, GELU and residual") {
  Model m;
  const auto right = m.right();
  CHECK(relative_error(product(m, "i8", m.a), right) < 0.01);
  CHECK(relative_error(product(m, "bf16", m.a), right) < 0.005);
}

TEST_CASE("one large value in an int8 row does not move the zeros") {
  Model m;
  for (size_t i = 0; i < m.i8.size(); ++i) m.i8[i] = static_cast<int8_t>(std::abs(m.i8[i])), m.f32[i] = std::fabs(m.f32[i]);
  std::fill(m.a.begin(), m.a.end(), 0.0F);
  for (int64_t i = 0; i < kM; ++i) m.a[i * kK + i] = 200, m.a[i * kK + i + 1] = -0.17F;
  const auto right = m.right(), got = product(m, "i8", m.a);
  // Half a step of each of the two, with weights of 1.27 at most; moved zeros would come to 7.
  for (size_t i = 0; i < got.size(); ++i) REQUIRE(got[i] == Approx(right[i]).margin(1).epsilon(0));
}

TEST_CASE("NaN in the input is a fault") {
  Model m;
  auto a = m.a;
  a[100] = NAN;
  for (const char* kernel : {"i8", "bf16"}) CHECK_THROWS_AS(product(m, kernel, a), npurt_test::Stopped);
}

TEST_CASE("without an NPU the stages refuse") {
  Model m;
  Stage s(npurt_test::load(NPURT_PLUGIN_DIR "/libnpurt_npu_matmul.so"), "matmul", "i8");
  s.weights = [&](const std::string& name, uint32_t dtype, npurt_tensor& out) { return m.weight(name, dtype, out); };
  const std::vector<npurt::Spec> in{npurt::Spec(NPURT_F32, {kM, kK}), npurt::Spec(NPURT_F32, {kM, kN})};
  s.options = {{"npu", "off"}, {"weight", "w"}};
  CHECK_THROWS_WITH(s.plan(in, 1), "the NPU is switched off (--npu off)");
  s.options = {{"npu", "virtual"}, {"weight", "w"}, {"precision", "f32"}};
  CHECK_THROWS_WITH(s.plan(in, 1), "precision is f32");
}

TEST_CASE("the self-test sees zeros, NaN and wrong values") {
  const auto good = virtual_device(generation("npu1"));
  const auto zeros = virtual_device(generation("npu1"), "zeros");
  const auto nans = virtual_device(generation("npu1"), "nan");
  const auto wrong = virtual_device(generation("npu1"), "wrong");
  auto said = [](Device& d, const GemmTile& t) -> std::string {
    try {
      self_test(d, t);
    } catch (const DeviceError& e) {
      return e.what();
    }
    return "";
  };
  for (const GemmTile* t : {&gemm_i8(), &gemm_bf16()}) {
    CHECK(said(*good, *t) == "");
    CHECK(said(*zeros, *t).find("gave only zeros") != std::string::npos);
    CHECK(said(*wrong, *t).find("wrong values of 64000: C[0,0] is") != std::string::npos);
  }
  CHECK(said(*nans, gemm_bf16()).find("gave NaN in 64000") != std::string::npos);
  CHECK(said(*nans, gemm_i8()).find("gave 64000 wrong values") != std::string::npos);
}
