// npu_layer on the virtual NPU against the definition of a layer in doubles.
#include <cmath>
#include <cstring>
#include <numbers>
#include <random>

#include "../plugins/npu/device.hpp"
#include "../plugins/npu/layer/design.hpp"
#include "../plugins/npu/virtual/cost.hpp"
#include "../plugins/npu/virtual/machine.hpp"
#include "../plugins/npu/virtual/traffic.hpp"
#include "catch.hpp"
#include "stage.hpp"

using namespace npurt_npu;
using npurt_test::Stage;
using npurt_test::Stopped;
using npurt_test::Tensor;
using Matrix = std::vector<double>;

namespace {

// A model of one layer, with a residual stream that has values which stand out, as encoders have them.
struct Model {
  Model(int64_t t, int64_t d) : length(t), width(d) {
    auto make = [&](const std::string& name, int64_t rows, int64_t columns, float middle, float spread) {
      auto& v = weights[name];
      for (int64_t i = 0; i < rows * columns; ++i) v.second.push_back(middle + spread * normal(chance));
      v.first = columns > 1 ? npurt::Spec(NPURT_F32, {rows, columns}) : npurt::Spec(NPURT_F32, {rows});
    };
    const auto scale = 1 / std::sqrt(static_cast<float>(d));
    for (const char* norm : {"attn_ln", "mlp_ln"}) {
      make(std::string("l.") + norm + ".weight", d, 1, 1, 0.3F);
      make(std::string("l.") + norm + ".bias", d, 1, 0, 0.2F);
    }
    struct Shape {
      const char* name;
      int64_t n, k;
    };
    for (const Shape& s : {Shape{"attn.qkv", 3 * d, d}, {"attn.out", d, d}, {"mlp.0", 4 * d, d}, {"mlp.2", d, 4 * d}}) {
      make(std::string("l.") + s.name + ".weight", s.n, s.k, 0, 1.5F * scale);
      make(std::string("l.") + s.name + ".bias", s.n, 1, 0, 0.2F);
    }
    for (int64_t i = 0; i < t * d; ++i) x.push_back(0.3F + normal(chance) * (i % 97 == 0 ? 20.0F : 1.0F));
  }

  std::unique_ptr<Stage> open() const {
    auto s = std::make_unique<Stage>(npurt_test::load(NPURT_PLUGIN_DIR "/libnpurt_npu_layer.so"), "encoder_layer");
    s->options = {{"npu", "virtual"}, {"layer", "l"}, {"heads", std::to_string(width / 64)}};
    s->weights = [this](const std::string& name, uint32_t, npurt_tensor& out) -> int32_t {
      const auto it = weights.find(name);
      if (it == weights.end()) return NPURT_REFUSE;
      out.spec = it->second.first;
      out.data = const_cast<float*>(it->second.second.data());
      out.bytes = 4 * it->second.second.size();
      return NPURT_OK;
    };
    return s;
  }

  const std::vector<float>& at(const std::string& name) const { return weights.at("l." + name).second; }
  Matrix norm(const Matrix& in, const std::string& name) const {
    Matrix y(in.size());
    const auto n = static_cast<size_t>(width);
    for (size_t t = 0; t < in.size(); t += n) {
      double mean = 0, variance = 0;
      for (size_t i = 0; i < n; ++i) mean += in[t + i] / static_cast<double>(n);
      for (size_t i = 0; i < n; ++i) variance += std::pow(in[t + i] - mean, 2) / static_cast<double>(n);
      for (size_t i = 0; i < n; ++i)
        y[t + i] = (in[t + i] - mean) / std::sqrt(variance + 1e-5) * at(name + ".weight")[i] + at(name + ".bias")[i];
    }
    return y;
  }
  Matrix product(const Matrix& in, const std::string& name) const {
    const auto& w = at(name + ".weight");
    const auto& b = at(name + ".bias");
    const size_t n = b.size(), k = w.size() / n;
    Matrix y;
    for (size_t t = 0; t < in.size(); t += k)
      for (size_t j = 0; j < n; ++j) {
        double sum = b[j];
        for (size_t i = 0; i < k; ++i) sum += in[t + i] * w[j * k + i];
        y.push_back(sum);
      }
    return y;
  }
  Matrix attend(const Matrix& qkv) const {
    const auto d = static_cast<size_t>(width), rows = static_cast<size_t>(length);
    Matrix y(rows * d), share(rows);
    for (size_t head = 0; head < d; head += 64)
      for (size_t t = 0; t < rows; ++t) {
        double all = 0;
        for (size_t i = 0; i < rows; ++i) {
          double score = 0;
          for (size_t j = head; j < head + 64; ++j) score += qkv[t * 3 * d + j] * qkv[i * 3 * d + d + j] / 8;
          all += share[i] = std::exp(score);
        }
        for (size_t i = 0; i < rows; ++i)
          for (size_t j = head; j < head + 64; ++j) y[t * d + j] += share[i] / all * qkv[i * 3 * d + 2 * d + j];
      }
    return y;
  }
  Matrix layer() const {
    auto plus = [](Matrix a, const Matrix& b) {
      for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
      return a;
    };
    const Matrix in(x.begin(), x.end());
    const Matrix sum = plus(in, product(attend(product(norm(in, "attn_ln"), "attn.qkv")), "attn.out"));
    Matrix h = product(norm(sum, "mlp_ln"), "mlp.0");
    for (double& v : h) v *= std::erfc(-v / std::numbers::sqrt2) / 2;
    return plus(sum, product(h, "mlp.2"));
  }

  int64_t length, width;
  std::mt19937 chance{8};
  std::normal_distribution<float> normal;
  std::map<std::string, std::pair<npurt::Spec, std::vector<float>>> weights;
  std::vector<float> x;
};

}  // namespace

TEST_CASE("a layer is what its definition says, to bf16") {
  // One head to two columns and to one, with queries that are left over; several rows of tiles; a wide one.
  for (const auto& [length, width] : {std::pair<int64_t, int64_t>{4, 128}, {300, 128}, {76, 256}, {520, 384}, {8, 1280}}) {
    const Model model(length, width);
    const auto stage = model.open();
    const npurt::Spec in(NPURT_F32, {length, width});
    stage->open({in}, 1);
    const auto got = stage->run({Tensor::of(model.x, {length, width})})[0].as<float>();
    const Matrix want = model.layer();
    double error = 0, all = 0, most = 0, change = 0;
    for (size_t i = 0; i < want.size(); ++i) {
      error += std::pow(got[i] - want[i], 2), all += std::pow(want[i] - model.x[i], 2);
      most = std::max(most, std::fabs(got[i] - want[i]));
      change = std::max(change, std::fabs(want[i] - model.x[i]));
    }
    INFO(length << "x" << width << ": error of what the layer adds " << std::sqrt(error / all) << ", at most " << most << " of "
                << change);
    CHECK(std::sqrt(error / all) < 0.008);
    CHECK(most < 0.03 * change);
    const auto again = stage->run({Tensor::of(model.x, {length, width})})[0].as<float>();
    CHECK(std::memcmp(got.data(), again.data(), 4 * got.size()) == 0);
  }
}

TEST_CASE("what the launches of a layer use is known without running them") {
  const Generation& g = generation("npu1");
  const LayerShape s{300, 384, 6};
  const LayerPlaces at(s);
  std::vector<LayerLaunch> launches{norm_launch(g, s, at.x, at.n), attend_launch(g, s, at.qkv, at.y)};
  for (const LayerProduct& p : layer_products(s)) launches.push_back(product_launch(g, s, p));
  std::vector<std::byte> layer(at.end), weights(LayerWeights{1536, 384}.bytes() + LayerWeights{384, 1536}.bytes());
  const Argument buffers[] = {{1ULL << 32, layer.data(), layer.size()},
                              {2ULL << 32, weights.data(), weights.size()},
                              {1ULL << 32, layer.data(), layer.size()}};
  Machine machine(g, layer_design(g));
  for (const LayerLaunch& launch : launches) {
    const Usage ran = machine.execute(launch.stream, buffers), said = traffic(g, launch.stream);
    CHECK(ran.core_cycles == launch.core_cycles);
    CHECK(ran.channel_cycles == said.channel_cycles);
    CHECK(ran.read == said.read);
    CHECK(ran.written == said.written);
    CHECK(ran.pushes == said.pushes);
  }
}

TEST_CASE("a layer is told to the plan as one list that converts nothing, and refused where the design ends") {
  const Model model(4, 128);
  const auto stage = model.open();
  auto said = [&](int64_t length, int64_t width, const char* heads = "2") {
    stage->options["heads"] = heads;
    try {
      stage->plan({npurt::Spec(NPURT_F32, {length, width})}, 1);
    } catch (const Stopped& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(said(1500, 384, "6").empty());
  CHECK(said(1502, 384, "6") == "a length of 1502; the design does multiples of 4 up to 2048");
  CHECK(said(2052, 384, "6") == "a length of 2052; the design does multiples of 4 up to 2048");
  CHECK(said(1500, 1408, "22") == "a width of 1408; the design does multiples of 128 up to 1280");
  CHECK(said(1500, 384, "8") == "8 heads in a width of 384; the design does heads of 64");
  stage->options["precision"] = "int8";
  CHECK(said(1500, 384, "6") == "precision is int8");
  stage->options["precision"] = "f32";
  stage->options["heads"] = "4";
  CHECK_THROWS_WITH(stage->open({npurt::Spec(NPURT_F32, {4, 256})}, 1),
                    "l.attn_ln.weight has 128 values; a layer of that width has 256");
}
