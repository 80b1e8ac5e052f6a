// The cpu plugin's conv1d, layer_norm and attention against plain loops in double.
#include "isa.hpp"

using namespace npurt_test;

namespace {

const npurt_plugin& cpu() {
  static const npurt_plugin& plugin = load(NPURT_PLUGIN_DIR "/libnpurt_cpu.so");
  return plugin;
}

double gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

// Places where blocks and vectors begin and end, of `n` rows.
std::vector<int64_t> some(int64_t n) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < n; ++i)
    if (n <= 130 || i < 2 || (i >= 95 && i < 98) || i == n / 2 || i + 2 > n) rows.push_back(i);
  return rows;
}

std::vector<float> take(const std::vector<float>& y, const std::vector<int64_t>& rows, int64_t width) {
  std::vector<float> v;
  for (int64_t i : rows) v.insert(v.end(), y.begin() + i * width, y.begin() + (i + 1) * width);
  return v;
}

struct Convolution {
  int64_t length, channels, taps, stride, n;
  bool bias, activation, add;
  int threads;
};

// To the nearest bf16, ties to even.
std::vector<float> as_bf16(std::vector<float> values) {
  for (float& v : values) {
    auto bits = std::bit_cast<uint32_t>(v);
    bits += 0x7FFF + (bits >> 16 & 1);
    v = std::bit_cast<float>(bits & 0xFFFF0000);
  }
  return values;
}

// In bf16 only the factors are rounded, so factors that are bf16 already give the same sums.
void check_convolution(const Convolution& c, const char* kernel = "f32") {
  Random random(3);
  const int64_t outputs = (c.length - 1) / c.stride + 1;
  auto x = random.normals(c.length * c.channels), w = random.normals(c.n * c.channels * c.taps, 0.1);
  if (kernel == std::string("bf16")) x = as_bf16(x), w = as_bf16(w);
  Tensors t;
  t.put("w", w, {c.n, c.channels, c.taps});
  t.put("b", random.normals(c.n), {c.n});
  t.put("table", random.normals((outputs + 2) * c.n), {outputs + 2, c.n});
  Stage stage(cpu(), "conv1d", kernel);
  stage.weights = t.source();
  stage.options = {{"weight", "w"}, {"stride", std::to_string(c.stride)}, {"threads", std::to_string(c.threads)}};
  if (c.bias) stage.options["bias"] = "b";
  if (c.activation) stage.options["activation"] = "gelu";
  if (c.add) stage.options["add"] = "table";
  stage.open({npurt::Spec(NPURT_F32, {c.length, c.channels})}, 1);
  const auto y = stage.run({Tensor::of(x, {c.length, c.channels})})[0].as<float>();
  REQUIRE(static_cast<int64_t>(y.size()) == outputs * c.n);

  std::vector<double> wanted;
  const auto rows = some(outputs);
  for (int64_t u : rows)
    for (int64_t n = 0; n < c.n; ++n) {
      double sum = c.bias ? t.f32("b")[static_cast<size_t>(n)] : 0;
      for (int64_t j = 0; j < c.taps; ++j)
        for (int64_t k = 0; k < c.channels; ++k)
          if (const int64_t at = u * c.stride + j - c.taps / 2; at >= 0 && at < c.length)
            sum += static_cast<double>(t.f32("w")[static_cast<size_t>((n * c.channels + k) * c.taps + j)]) *
                   x[static_cast<size_t>(at * c.channels + k)];
      if (c.activation) sum = gelu(sum);
      if (c.add) sum += t.f32("table")[static_cast<size_t>(u * c.n + n)];
      wanted.push_back(sum);
    }
  INFO(c.length << "x" << c.channels << " taps " << c.taps << " stride " << c.stride << " to " << c.n << " threads "
                << c.threads);
  CHECK(difference(take(y, rows, c.n), wanted, 1e-5) == "");
}

void check_attention(const char* kernel, int64_t length, int64_t heads, int64_t head, int threads, double size,
                     double tolerance = 1e-5) {
  Random random(4);
  const int64_t width = heads * head, stride = 3 * width;
  const auto qkv = random.normals(length * stride, size);
  Stage stage(cpu(), "attention", kernel);
  stage.options = {{"heads", std::to_string(heads)}, {"threads", std::to_string(threads)}};
  stage.open({npurt::Spec(NPURT_F32, {length, stride})}, 1);
  const auto y = stage.run({Tensor::of(qkv, {length, stride})})[0].as<float>();
  REQUIRE(static_cast<int64_t>(y.size()) == length * width);

  const auto rows = some(length);
  std::vector<double> wanted;
  for (int64_t i : rows)
    for (int64_t h = 0; h < heads; ++h) {
      const float *q = qkv.data() + i * stride + h * head, *k = qkv.data() + width + h * head, *v = k + width;
      std::vector<double> p, out(static_cast<size_t>(head));
      for (int64_t s = 0; s < length; ++s) {
        double dot = 0;
        for (int64_t j = 0; j < head; ++j) dot += static_cast<double>(q[j]) * k[s * stride + j];
        p.push_back(dot / std::sqrt(static_cast<double>(head)));
      }
      const double top = *std::max_element(p.begin(), p.end());
      double sum = 0;
      for (double& x : p) sum += x = std::exp(x - top);
      for (int64_t s = 0; s < length; ++s)
        for (int64_t j = 0; j < head; ++j) out[static_cast<size_t>(j)] += p[static_cast<size_t>(s)] / sum * v[s * stride + j];
      wanted.insert(wanted.end(), out.begin(), out.end());
    }
  INFO("length " << length << " heads " << heads << " of " << head << " threads " << threads << " size " << size);
  CHECK(difference(take(y, rows, width), wanted, tolerance * std::max(1.0, size * size)) == "");
}

// What planning `op` for x [rows, cols] says, with weights w3 [4,8,3], w2 [4,8,2], v8 [8], table [5,4].
std::string plan(const std::string& op, std::map<std::string, std::string> options, std::initializer_list<int64_t> x) {
  Tensors t;
  t.put("w3", std::vector<float>(96, 1), {4, 8, 3});
  t.put("w2", std::vector<float>(64, 1), {4, 8, 2});
  t.put("v8", std::vector<float>(8, 1), {8});
  t.put("table", std::vector<float>(20, 1), {5, 4});
  Stage stage(cpu(), op, op == "layer_norm" ? "" : "f32");
  stage.weights = t.source();
  stage.options = std::move(options);
  return stopped([&] { stage.plan({npurt::Spec(NPURT_F32, x)}, 1); });
}

}  // namespace

TEST_CASE("conv1d is a convolution with zeros outside") {
  if (lacks_level()) return;
  check_convolution({3000, 80, 3, 1, 384, true, true, false, 2});
  check_convolution({3000, 96, 3, 2, 64, true, true, true, 2});
  check_convolution({1, 1, 1, 1, 1, false, false, false, 1});
  check_convolution({1, 5, 3, 2, 7, true, false, true, 2});
  check_convolution({2, 3, 7, 1, 17, true, true, true, 3});
  Random random(5);
  for (int i = 0; i < 12; ++i)
    check_convolution({random.whole(1, 210), random.whole(1, 40), 2 * random.whole(0, 3) + 1, random.whole(1, 4),
                       random.whole(1, 50), random.whole(0, 1) == 1, random.whole(0, 1) == 1, random.whole(0, 1) == 1,
                       static_cast<int>(random.whole(1, 4))});
}

TEST_CASE("conv1d in bf16 rounds its factors only, or is refused") {
  if (lacks_level()) return;
  Tensors t;
  t.put("w3", std::vector<float>(96, 1), {4, 8, 3});
  Stage stage(cpu(), "conv1d", "bf16");
  stage.weights = t.source();
  const auto plan_with = [&](const char* precision) {
    stage.options = {{"weight", "w3"}, {"precision", precision}};
    return stopped([&] { stage.plan({npurt::Spec(NPURT_F32, {10, 8})}, 1); });
  };
  CHECK(plan_with("f32") == "refuse: precision is f32");
  if (const std::string said = plan_with("auto"); said != "nothing") {
    CHECK(said == "refuse: this processor does not multiply bf16 (AVX-512 BF16 or AMX)");
    return;
  }
  check_convolution({3000, 80, 3, 1, 384, true, true, false, 2}, "bf16");
  check_convolution({1, 1, 1, 1, 1, false, false, false, 1}, "bf16");
  Random random(5);
  for (int i = 0; i < 12; ++i)
    check_convolution(
        {random.whole(1, 210), random.whole(1, 40), 2 * random.whole(0, 3) + 1, random.whole(1, 4), random.whole(1, 50),
         random.whole(0, 1) == 1, random.whole(0, 1) == 1, random.whole(0, 1) == 1, static_cast<int>(random.whole(1, 4))},
        "bf16");
}

TEST_CASE("attention is softmax over all rows, head by head") {
  if (lacks_level()) return;
  check_attention("f32", 1500, 6, 64, 2, 1);
  check_attention("f32", 1, 1, 1, 1, 1);
  check_attention("f32", 1, 6, 64, 2, 1);
  check_attention("f32", 15, 2, 3, 3, 1);
  check_attention("f32", 96, 2, 64, 2, 3);
  check_attention("f32", 97, 3, 16, 2, 1);
  check_attention("f32", 211, 1, 65, 1, 1);
  check_attention("f32", 100, 2, 64, 2, 10);  // scores of some thousands: softmax is a choice
  Random random(6);
  for (int i = 0; i < 12; ++i)
    check_attention("f32", random.whole(1, 300), random.whole(1, 4), random.whole(1, 70), static_cast<int>(random.whole(1, 4)),
                    1);
}

TEST_CASE("attention in bf16 is close to it, or refused") {
  if (lacks_level()) return;
  Stage stage(cpu(), "attention", "bf16");
  const auto plan_with = [&](const char* precision, int64_t width) {
    stage.options = {{"heads", "2"}, {"precision", precision}};
    return stopped([&] { stage.plan({npurt::Spec(NPURT_F32, {8, 3 * width})}, 1); });
  };
  CHECK(plan_with("f32", 128) == "refuse: precision is f32");
  if (const std::string said = plan_with("auto", 128); said != "nothing") {
    CHECK(said == "refuse: this processor does not multiply bf16 (AVX-512 BF16 or AMX)");
    return;
  }
  CHECK(plan_with("int8", 32) == "refuse: heads of 16 values are not a multiple of 32");
  constexpr double kTolerance = 0.01;  // of bf16's 8 bits, in sums of random signs
  check_attention("bf16", 1500, 6, 64, 2, 1, kTolerance);
  check_attention("bf16", 1, 1, 32, 1, 1, 2 * kTolerance);
  check_attention("bf16", 33, 3, 96, 3, 0.5, kTolerance);
  Random random(8);
  for (int i = 0; i < 12; ++i)
    check_attention("bf16", random.whole(1, 300), random.whole(1, 4), 32 * random.whole(1, 3),
                    static_cast<int>(random.whole(1, 4)), 1, 2 * kTolerance);
}

TEST_CASE("layer_norm has mean 0 and variance 1 before its weights") {
  if (lacks_level()) return;
  Random random(7);
  for (const auto& [rows, width, offset] : std::vector<std::tuple<int64_t, int64_t, float>>{
           {1500, 384, 0.F}, {1, 1, 0.F}, {1, 512, 3.F}, {3, 7, -1.F}, {5, 33, 1000.F}, {2, 1280, 1e4F}}) {
    auto x = random.normals(rows * width);
    for (float& v : x) v += offset;
    Tensors t;
    t.put("w", random.normals(width), {width});
    t.put("b", random.normals(width), {width});
    Stage stage(cpu(), "layer_norm");
    stage.weights = t.source();
    stage.options = {{"weight", "w"}, {"bias", "b"}, {"threads", "2"}};
    stage.open({npurt::Spec(NPURT_F32, {rows, width})}, 1);
    const auto y = stage.run({Tensor::of(x, {rows, width})})[0].as<float>();
    std::vector<double> wanted;
    for (int64_t i = 0; i < rows; ++i) {
      const float* r = x.data() + i * width;
      double mean = 0, variance = 0;
      for (int64_t j = 0; j < width; ++j) mean += r[j] / static_cast<double>(width);
      for (int64_t j = 0; j < width; ++j) variance += (r[j] - mean) * (r[j] - mean) / static_cast<double>(width);
      for (int64_t j = 0; j < width; ++j)
        wanted.push_back((r[j] - mean) / std::sqrt(variance + 1e-5) * t.f32("w")[static_cast<size_t>(j)] +
                         t.f32("b")[static_cast<size_t>(j)]);
    }
    INFO(rows << "x" << width << " around " << offset);
    CHECK(difference(y, wanted, 5e-6) == "");
  }
}

TEST_CASE("the layers say what they do not take") {
  if (lacks_level()) return;
  CHECK(plan("conv1d", {{"weight", "w3"}}, {10, 8}) == "nothing");
  CHECK(plan("conv1d", {}, {10, 8}) == "config: option 'weight' is missing");
  CHECK(plan("conv1d", {{"weight", "none"}}, {10, 8}) == "refuse: no tensor none");
  CHECK(plan("conv1d", {{"weight", "w2"}}, {10, 8}) == "config: w2 is not a convolution with an odd number of taps");
  CHECK(plan("conv1d", {{"weight", "table"}}, {10, 8}) == "config: table is not a convolution with an odd number of taps");
  CHECK(plan("conv1d", {{"weight", "w3"}}, {10, 7}) == "config: w3 takes 8 channels, but x has 7");
  CHECK(plan("conv1d", {{"weight", "w3"}}, {NPURT_UNKNOWN, 8}) == "refuse: needs a known length of x");
  CHECK(plan("conv1d", {{"weight", "w3"}, {"bias", "v8"}}, {10, 8}) == "config: v8 has 8 values, but the product has rows of 4");
  CHECK(plan("conv1d", {{"weight", "w3"}, {"stride", "2"}, {"add", "table"}}, {10, 8}) == "nothing");
  CHECK(plan("conv1d", {{"weight", "w3"}, {"stride", "2"}, {"add", "table"}}, {11, 8}) ==
        "config: table is not a table of at least [6,4]");
  CHECK(plan("conv1d", {{"weight", "w3"}, {"stride", "0"}}, {10, 8}) ==
        "config: option 'stride' is '0'; wanted a number from 1 to 64");
  CHECK(plan("attention", {{"heads", "2"}}, {5, 12}) == "nothing");
  CHECK(plan("attention", {{"heads", "2"}}, {5, 15}) == "config: qkv has rows of 15, which is not 3 times 2 heads");
  CHECK(plan("attention", {{"heads", "2"}}, {NPURT_UNKNOWN, 12}) == "refuse: needs a known length");
  CHECK(plan("layer_norm", {{"weight", "v8"}, {"bias", "v8"}}, {5, 8}) == "nothing");
  CHECK(plan("layer_norm", {{"weight", "v8"}, {"bias", "v8"}}, {5, 9}) == "config: v8 has 8 values, but x has rows of 9");
  CHECK(plan("layer_norm", {{"weight", "v8"}, {"bias", "v8"}}, {NPURT_UNKNOWN, 8}) == "refuse: needs a known length of x");
}
