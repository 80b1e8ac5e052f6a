// Both kernels of the cpu plugin's matmul against products in double.
#include "isa.hpp"

using namespace npurt_test;

namespace {

const npurt_plugin& cpu() {
  static const npurt_plugin& plugin = load(NPURT_PLUGIN_DIR "/libnpurt_cpu.so");
  return plugin;
}

double gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

struct Case {
  int64_t m, k, n;
  bool bias, activation, residual;
  int threads;
};

// c of the `rows` of the product, and for each value the sum of the magnitudes it was made of.
struct Product {
  std::vector<double> c, size;
};

Product multiply(const Case& s, const std::vector<float>& a, const std::vector<float>& w, const std::vector<float>& bias,
                 const std::vector<float>& residual, const std::vector<int64_t>& rows) {
  Product p;
  for (int64_t i : rows)
    for (int64_t j = 0; j < s.n; ++j) {
      double sum = 0, size = 0;
      for (int64_t t = 0; t < s.k; ++t) {
        const double x = static_cast<double>(a[static_cast<size_t>(i * s.k + t)]) * w[static_cast<size_t>(j * s.k + t)];
        sum += x;
        size += std::fabs(x);
      }
      if (s.bias) sum += bias[static_cast<size_t>(j)];
      if (s.activation) sum = gelu(sum);
      if (s.residual) sum += residual[static_cast<size_t>(i * s.n + j)];
      p.c.push_back(sum);
      p.size.push_back(size);
    }
  return p;
}

struct Bench {
  Tensors tensors;
  Stage stage;
  std::vector<float> a, residual;

  Bench(const std::string& kernel, const Case& s, uint64_t seed) : stage(cpu(), "matmul", kernel) {
    Random random(seed);
    a = random.normals(s.m * s.k);
    tensors.put("w", random.normals(s.n * s.k, 0.1), {s.n, s.k});
    tensors.put("b", random.normals(s.n), {s.n});
    residual = random.normals(s.m * s.n);
    stage.weights = tensors.source();
    stage.options = {{"weight", "w"}, {"precision", kernel}, {"threads", std::to_string(s.threads)}};
    if (s.bias) stage.options["bias"] = "b";
    if (s.activation) stage.options["activation"] = "gelu";
    stage.open({npurt::Spec(NPURT_F32, {s.m, s.k}), npurt::Spec(NPURT_F32, {s.m, s.n})}, 1);
  }
  std::vector<float> run(const Case& s) {
    std::vector<Tensor> in = {Tensor::of(a, {s.m, s.k})};
    if (s.residual) in.push_back(Tensor::of(residual, {s.m, s.n}));
    return stage.run(in, false, 2)[0].as<float>();
  }
};

std::string title(const Case& s) {
  return std::to_string(s.m) + "x" + std::to_string(s.k) + "x" + std::to_string(s.n) + (s.bias ? " bias" : "") +
         (s.activation ? " gelu" : "") + (s.residual ? " residual" : "") + " threads " + std::to_string(s.threads);
}

std::vector<Case> cases() {
  std::vector<Case> all = {{1, 1, 1, false, false, false, 1},       {1, 384, 384, true, false, false, 2},
                           {1, 7, 33, true, true, true, 3},         {17, 5, 3, false, true, false, 2},
                           {96, 64, 16, true, false, true, 1},      {97, 64, 17, true, true, false, 2},
                           {193, 100, 15, false, false, true, 2},   {1500, 384, 1152, true, false, false, 2},
                           {1500, 384, 1536, true, true, false, 2}, {1500, 1536, 384, true, false, true, 2}};
  Random random(1);
  for (int i = 0; i < 20; ++i)
    all.push_back({random.whole(1, 120), random.whole(1, 150), random.whole(1, 90), random.whole(0, 1) == 1,
                   random.whole(0, 1) == 1, random.whole(0, 1) == 1, static_cast<int>(random.whole(1, 4))});
  return all;
}

// All rows of a small product, and of a large one those where its blocks begin and end.
std::vector<int64_t> some_rows(int64_t m) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < m; ++i)
    if (m <= 200 || i == 0 || i == 95 || i == 96 || i == 750 || i == m - 1) rows.push_back(i);
  return rows;
}

std::vector<float> take(const std::vector<float>& c, const std::vector<int64_t>& rows, int64_t n) {
  std::vector<float> v;
  for (int64_t i : rows) v.insert(v.end(), c.begin() + i * n, c.begin() + (i + 1) * n);
  return v;
}

std::string plan(const std::string& kernel, std::map<std::string, std::string> options, npurt::Spec a) {
  Tensors tensors;
  tensors.put("w", std::vector<float>(32, 1), {4, 8});
  tensors.put("b", std::vector<float>(4, 1), {4});
  tensors.put("short", std::vector<float>(3, 1), {3});
  tensors.put("cube", std::vector<float>(8, 1), {2, 2, 2});
  Stage stage(cpu(), "matmul", kernel);
  stage.weights = tensors.source();
  stage.options = std::move(options);
  return stopped([&] { stage.plan({a}, 1); });
}

}  // namespace

TEST_CASE("f32 products are those of double, but for rounding") {
  if (lacks_level()) return;
  for (const Case& s : cases()) {
    Bench bench("f32", s, 7);
    const auto rows = some_rows(s.m);
    const Product p = multiply(s, bench.a, bench.tensors.f32("w"), bench.tensors.f32("b"), bench.residual, rows);
    const auto near = [&](size_t i) { return 3e-7 * p.size[i] + 2e-6 * (1 + std::fabs(p.c[i])); };
    INFO(title(s));
    CHECK(difference(take(bench.run(s), rows, s.n), p.c, near) == "");
  }
}

TEST_CASE("int8 products are off by no more than the rounding of each row to 127 levels") {
  if (lacks_level()) return;
  for (Case s : cases()) {
    s.activation = false;  // so that the error stays what the rounding made it
    Bench bench("int8", s, 8);
    const auto rows = some_rows(s.m);
    const auto w = bench.tensors.rounded("w");
    const Product p = multiply(s, bench.a, w, bench.tensors.f32("b"), bench.residual, rows);
    const auto c = take(bench.run(s), rows, s.n);
    double noise = 0, expected = 0;
    std::vector<double> most;
    for (size_t r = 0; r < rows.size(); ++r) {
      const auto [low, high] = std::minmax_element(bench.a.begin() + rows[r] * s.k, bench.a.begin() + (rows[r] + 1) * s.k);
      const double step = (static_cast<double>(*high) - *low) / 127;
      for (int64_t j = 0; j < s.n; ++j) {
        double sum = 0, squares = 0;
        for (int64_t t = 0; t < s.k; ++t) {
          const double x = w[static_cast<size_t>(j * s.k + t)];
          sum += std::fabs(x);
          squares += x * x;
        }
        const size_t i = most.size();
        most.push_back(step / 2 * sum + 1e-6 * (p.size[i] + 1 + std::fabs(p.c[i])));
        noise += (c[i] - p.c[i]) * (c[i] - p.c[i]);
        expected += step * step / 12 * squares;  // of errors spread evenly over a step
      }
    }
    INFO(title(s));
    CHECK(difference(c, p.c, [&](size_t i) { return most[i]; }) == "");
    if (s.k >= 50 && p.c.size() >= 300) CHECK(noise < 1.3 * expected);
  }
}

TEST_CASE("an int8 row of equal values, of zeros and of huge values comes out right") {
  if (lacks_level()) return;
  const Case s{5, 16, 5, false, false, false, 1};
  Bench bench("int8", s, 9);
  for (int64_t t = 0; t < s.k; ++t) {
    bench.a[static_cast<size_t>(t)] = 0;
    bench.a[static_cast<size_t>(s.k + t)] = -2.5F;
    bench.a[static_cast<size_t>(2 * s.k + t)] = 1e-30F;
    bench.a[static_cast<size_t>(3 * s.k + t)] = t % 2 ? 1e30F : 0;
    bench.a[static_cast<size_t>(4 * s.k + t)] = t % 2 ? 1e30F : -1e30F;
  }
  const Product p = multiply(s, bench.a, bench.tensors.rounded("w"), {}, {}, {0, 1, 2, 3, 4});
  // Zero has a level of its own, so ends of opposite sign may be half a step off, of 127 at least.
  CHECK(difference(bench.run(s), p.c, [&](size_t i) { return (i / 5 == 4 ? 1.0 / 127 : 1e-5) * p.size[i]; }) == "");
}

TEST_CASE("one large value in an int8 row does not move the zeros") {
  if (lacks_level()) return;
  const Case s{4, 400, 50, false, false, false, 1};
  Bench bench("int8", s, 10);
  bench.tensors.put("w", std::vector<float>(static_cast<size_t>(s.n * s.k), 0.1F), {s.n, s.k});
  bench.stage.open({npurt::Spec(NPURT_F32, {s.m, s.k}), npurt::Spec(NPURT_F32, {s.m, s.n})}, 1);
  std::fill(bench.a.begin(), bench.a.end(), 0.0F);
  for (int64_t i = 0; i < s.m; ++i)
    bench.a[static_cast<size_t>(i * s.k + 7)] = 200, bench.a[static_cast<size_t>(i * s.k)] = -0.17F;
  // Half a step of each of the two; moved zeros would come to 6.
  for (float c : bench.run(s)) REQUIRE(c == Approx(19.983).margin(0.2));
}

// Where products are added in 16 bits, pair by pair, the levels are chosen by the pairs of neighbours: each pattern leaves
// another choice of pairs no room.
TEST_CASE("no int8 product overflows, whichever weights stand together") {
  if (lacks_level()) return;
  const Case s{100, 384, 32, false, false, false, 1};
  for (const std::vector<float>& pattern : std::vector<std::vector<float>>{
           {1, -1, 1, -1}, {1, -1, -1, 1}, {1, 1, -1, -1}, {1, 1, 1, 1}, {1, -1}, {1, 1, 1, 1, -1, -1, -1, -1}}) {
    Bench bench("int8", s, 9);
    std::vector<float> w;
    for (int64_t i = 0; i < s.n * s.k; ++i) w.push_back(pattern[static_cast<size_t>(i % s.k) % pattern.size()]);
    bench.tensors.put("w", w, {s.n, s.k});
    bench.stage.open({npurt::Spec(NPURT_F32, {s.m, s.k}), npurt::Spec(NPURT_F32, {s.m, s.n})}, 1);
    for (int64_t i = 0; i < s.m * s.k; ++i)
      bench.a[static_cast<size_t>(i)] = (w[static_cast<size_t>(i % s.k)] > 0) == (i / s.k % 2 == 0) ? 1.0F : 0.0F;
    const Product p = multiply(s, bench.a, w, {}, {}, {0, 1, s.m - 1});
    CHECK(difference(take(bench.run(s), {0, 1, s.m - 1}, s.n), p.c, [&](size_t i) { return 1e-4 * (1 + p.size[i]); }) == "");
  }
}

TEST_CASE("GELU is that of erf, not of tanh") {
  if (lacks_level()) return;
  const Case s{241, 1, 1, false, true, false, 1};
  Bench bench("f32", s, 10);
  bench.tensors.put("w", {1}, {1, 1});
  bench.stage.open({npurt::Spec(NPURT_F32, {s.m, 1}), npurt::Spec(NPURT_F32, {s.m, 1})}, 1);
  std::vector<double> wanted, tanh;
  for (size_t i = 0; i < 241; ++i) {
    const double x = bench.a[i] = static_cast<float>(i) * 0.1F - 12;
    wanted.push_back(gelu(x));
    tanh.push_back(0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))));
  }
  const auto c = bench.run(s);
  CHECK(difference(c, wanted, [&](size_t i) { return 4e-7 * std::max(1.0, std::fabs(bench.a[i] * 1.0)); }) == "");
  CHECK(difference(c, tanh, 1e-4) != "");
}

TEST_CASE("NaN and Inf are a fault for int8, and stay what they are for f32") {
  if (lacks_level()) return;
  const Case s{100, 33, 8, true, true, false, 2};
  for (const float bad : {NAN, INFINITY, -INFINITY})
    for (const int64_t at : {int64_t{0}, 57 * s.k + 32, s.m * s.k - 1}) {
      INFO(bad << " at " << at);
      Bench int8("int8", s, 11), f32("f32", s, 11);
      int8.a[static_cast<size_t>(at)] = f32.a[static_cast<size_t>(at)] = bad;
      CHECK(stopped([&] { int8.run(s); }) == "fault: input a holds NaN or Inf, which int8 cannot carry");
      const auto c = f32.run(s);
      for (int64_t i = 0; i < s.m * s.n; ++i)
        if (std::isfinite(c[static_cast<size_t>(i)]) == (i / s.n == at / s.k)) FAIL_CHECK("row " << i / s.n);
    }
}

TEST_CASE("matmul says what it does not take") {
  if (lacks_level()) return;
  const npurt::Spec a(NPURT_F32, {3, 8});
  CHECK(plan("int8", {{"weight", "w"}, {"precision", "f32"}}, a) == "refuse: precision is f32");
  CHECK(plan("f32", {{"weight", "w"}, {"precision", "int8"}}, a) == "refuse: precision is int8");
  CHECK(plan("f32", {{"weight", "w"}, {"precision", "auto"}}, a) == "nothing");
  CHECK(plan("int8", {{"weight", "w"}, {"precision", "f16"}}, a) ==
        "config: option 'precision' is 'f16'; wanted f32, int8 or auto");
  CHECK(plan("f32", {{"weight", "w"}, {"precision", "f16"}}, a) ==
        "config: option 'precision' is 'f16'; wanted f32, int8 or auto");
  for (const std::string kernel : {"f32", "int8"}) {
    const std::pair<const std::string, std::string> precision{"precision", kernel};
    CHECK(plan(kernel, {precision}, a) == "config: option 'weight' is missing");
    CHECK(plan(kernel, {{"weight", "none"}, precision}, a) == "refuse: no tensor none");
    CHECK(plan(kernel, {{"weight", "cube"}, precision}, a) == "config: cube is not a matrix");
    CHECK(plan(kernel, {{"weight", "w"}, precision}, npurt::Spec(NPURT_F32, {3, 7})) ==
          "config: w has rows of 8, but a has rows of 7");
    CHECK(plan(kernel, {{"weight", "w"}, precision}, npurt::Spec(NPURT_F32, {NPURT_UNKNOWN, 8})) ==
          "refuse: needs a known shape of a");
    CHECK(plan(kernel, {{"weight", "w"}, {"bias", "short"}, precision}, a) ==
          "config: short has 3 values, but the product has rows of 4");
    CHECK(plan(kernel, {{"weight", "w"}, {"activation", "relu"}, precision}, a) ==
          "config: option 'activation' is 'relu'; wanted gelu");
    CHECK(plan(kernel, {{"weight", "w"}, {"threads", "0"}, precision}, a) == "nothing");
  }
}
