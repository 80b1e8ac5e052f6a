// The decoder's kernels, and the caches that use them, at every level that this processor has, against plain loops in double;
// many lines because each kernel has its own loops.
#include <array>

#include "../plugins/decoder/audio.hpp"
#include "../plugins/decoder/cache.hpp"
#include "isa.hpp"
#include "tensors.hpp"

using namespace npurt_test;
using decoder::Kernels;

namespace {

// Calls `f` with the kernels of each level.
template <typename F>
void each_level(F&& f) {
  for (const Kernels* const* level = decoder::kernel_levels(); *level; ++level) {
    INFO((*level)->name);
    f(**level);
  }
}

double f16_value(uint16_t h) {
  const int exponent = h >> 10 & 31, mantissa = h & 1023;
  const double size = exponent == 31 ? INFINITY
                      : exponent     ? std::ldexp(1024 + mantissa, exponent - 25)
                                     : std::ldexp(mantissa, -24);
  return h & 0x8000 ? -size : size;
}

struct Shape {
  long rows, k, m;
};
std::vector<Shape> shapes() {
  std::vector<Shape> all = {{1, 4, 1}, {64, 384, 1}, {64, 384, 4}, {200, 384, 20}, {33, 1536, 3}, {7, 512, 9}, {2, 68, 5}};
  Random random(1);
  for (int i = 0; i < 20; ++i) all.push_back({random.whole(1, 70), 4 * random.whole(1, 60), random.whole(1, 13)});
  return all;
}

std::vector<double> products(const Shape& s, auto&& w, auto&& x, std::vector<double>* sizes = nullptr) {
  std::vector<double> y;
  for (long i = 0; i < s.m; ++i)
    for (long r = 0; r < s.rows; ++r) {
      double sum = 0, size = 0;
      for (long j = 0; j < s.k; ++j) {
        const double p = static_cast<double>(w[static_cast<size_t>(r * s.k + j)]) * x[static_cast<size_t>(i * s.k + j)];
        sum += p;
        size += std::fabs(p);
      }
      y.push_back(sum);
      if (sizes) sizes->push_back(size);
    }
  return y;
}

}  // namespace

TEST_CASE("rows_f32 multiplies any number of rows, and writes only its own places") {
  for (const Shape& s : shapes()) {
    Random random(2);
    const auto w = random.normals(s.rows * s.k), x = random.normals(s.m * s.k);
    std::vector<double> sizes;
    const auto wanted = products(s, w, x, &sizes);
    const long wide = s.rows + 5;
    each_level([&](const Kernels& k) {
      std::vector<float> y(static_cast<size_t>(s.m * wide), -77), inner;
      k.rows_f32(w.data(), s.rows, s.k, x.data(), s.m, y.data(), wide);
      for (long i = 0; i < s.m; ++i) {
        inner.insert(inner.end(), y.begin() + i * wide, y.begin() + i * wide + s.rows);
        for (long r = s.rows; r < wide; ++r) CHECK(y[static_cast<size_t>(i * wide + r)] == -77);
      }
      INFO(s.rows << "x" << s.k << " by " << s.m);
      CHECK(difference(inner, wanted, [&](size_t i) { return 3e-7 * sizes[i]; }) == "");
    });
  }
}

TEST_CASE("rows_i8 is exact, at its extremes too, and writes only its own places") {
  for (const Shape& s : shapes())
    for (const bool extreme : {false, true}) {
      Random random(3);
      std::vector<int8_t> w;
      std::vector<uint8_t> x;
      for (long i = 0; i < s.rows * s.k; ++i)
        w.push_back(static_cast<int8_t>(extreme ? (i % 3 ? 127 : -127) : random.whole(-127, 127)));
      for (long i = 0; i < s.m * s.k; ++i) x.push_back(static_cast<uint8_t>(extreme ? (i % 5 ? 255 : 1) : random.whole(1, 255)));
      const size_t padded = static_cast<size_t>((s.rows + 15) / 16 * 16);
      std::vector<float> scale(padded, 1), bias(padded), x_scale(static_cast<size_t>(s.m), 1);
      // Powers of two, so that what is exact stays exact.
      for (size_t r = 0; r < padded; ++r) scale[r] = r % 3 ? 1.0F : 0.25F, bias[r] = static_cast<float>(r % 5) * 0.25F;
      for (size_t i = 0; i < x_scale.size(); ++i) x_scale[i] = i % 2 ? 1.0F : 0.5F;
      std::vector<int> offsets;
      for (uint8_t q : x) offsets.push_back(q - 128);
      const auto sums = products(s, w, offsets);
      const long wide = s.rows + 3;
      each_level([&](const Kernels& k) {
        std::vector<float> y(static_cast<size_t>(s.m * wide), -77);
        std::vector<int8_t> packed(padded * static_cast<size_t>(s.k), 99);
        std::vector<int32_t> offset(padded, 99);
        for (size_t r = 0; r < padded; r += 16)
          k.pack_i8(&w[r * static_cast<size_t>(s.k)], s.rows - static_cast<long>(r), s.k, &packed[r * static_cast<size_t>(s.k)],
                    &offset[r]);
        const decoder::PackedRows rows{packed.data(), offset.data(), scale.data(), bias.data(), s.rows, s.k};
        const long blocks = static_cast<long>(padded) / 16;
        k.rows_i8(rows, 0, blocks / 2, x.data(), x_scale.data(), s.m, y.data(), wide);
        k.rows_i8(rows, blocks / 2, blocks, x.data(), x_scale.data(), s.m, y.data(), wide);
        INFO(s.rows << "x" << s.k << " by " << s.m << (extreme ? " extreme" : ""));
        for (long i = 0; i < s.m; ++i)
          for (long r = 0; r < wide; ++r) {
            const float got = y[static_cast<size_t>(i * wide + r)];
            if (r >= s.rows) {
              CHECK(got == -77);
              continue;
            }
            const auto at = static_cast<size_t>(r);
            const float factor = scale[at] * x_scale[static_cast<size_t>(i)];
            const auto sum = static_cast<float>(sums[static_cast<size_t>(i * s.rows + r)]);
            CHECK(std::fabs(got - (sum * factor + bias[at])) <= std::fabs(sum * factor) * 6e-8F);
          }
      });
    }
}

TEST_CASE("pack_columns_i8 makes rows of a matrix's columns") {
  Random random(9);
  for (const auto& [rows, k] : std::vector<std::pair<long, long>>{{4, 16}, {384, 64}, {12, 48}, {352, 384}}) {
    std::vector<int8_t> w, turned;
    for (long i = 0; i < rows * k; ++i) w.push_back(static_cast<int8_t>(random.whole(-127, 127)));
    for (long j = 0; j < k; ++j)
      for (long t = 0; t < rows; ++t) turned.push_back(w[static_cast<size_t>(t * k + j)]);
    each_level([&, rows = rows, k = k](const Kernels& level) {
      std::vector<int8_t> wanted(w.size()), packed(w.size());
      std::vector<int32_t> sums(static_cast<size_t>(k)), offset(static_cast<size_t>(k), 99);
      for (long j = 0; j < k; j += 16)
        level.pack_i8(&turned[static_cast<size_t>(j * rows)], 16, rows, &wanted[static_cast<size_t>(j * rows)],
                      &sums[static_cast<size_t>(j)]);
      level.pack_columns_i8(w.data(), rows, k, packed.data(), offset.data());
      CHECK(packed == wanted);
      CHECK(offset == sums);
    });
  }
}

TEST_CASE("quantise rounds to the nearest of 255 levels, the largest at 127") {
  Random random(4);
  for (const long n : {1L, 4L, 37L, 384L, 1536L}) {
    const auto x = random.normals(n, 3);
    float most = 0;
    for (float v : x) most = std::max(most, std::fabs(v));
    each_level([&](const Kernels& k) {
      std::vector<uint8_t> q(static_cast<size_t>(n));
      const float scale = k.quantise(x.data(), n, q.data());
      CHECK(scale == Approx(most / 127));
      for (size_t i = 0; i < q.size(); ++i) CHECK(std::fabs(scale * (q[i] - 128) - x[i]) <= scale * 0.5001);
    });
  }
  for (const long n : {4L, 37L, 384L}) {
    const auto x = random.normals(n, 3);
    float most = 0;
    for (float v : x) most = std::max(most, std::fabs(v));
    each_level([&](const Kernels& k) {
      std::vector<uint8_t> high(x.size()), low(x.size());
      const float scale = k.quantise_wide(x.data(), n, high.data(), low.data());
      CHECK(scale == Approx(most / (127 * 254)));
      for (size_t i = 0; i < x.size(); ++i) {
        CHECK((high[i] > 0 && low[i] > 0));  // -128 would not fit the products of AVX2
        CHECK(std::fabs(scale * static_cast<float>(254 * (high[i] - 128) + low[i] - 128) - x[i]) <= scale * 0.52F);
      }
    });
  }
  const std::vector<float> zeros(33);
  each_level([&](const Kernels& k) {
    std::vector<uint8_t> q(33);
    CHECK(k.quantise(zeros.data(), 33, q.data()) == 0);
    CHECK(q == std::vector<uint8_t>(33, 128));
    std::vector<uint8_t> low(33);
    CHECK(k.quantise_wide(zeros.data(), 33, q.data(), low.data()) == 0);
    CHECK(q == std::vector<uint8_t>(33, 128));
    CHECK(low == std::vector<uint8_t>(33, 128));
  });
}

TEST_CASE("weigh keeps the sum of weights that are too small for a level") {
  Random random(11);
  for (const long n : {16L, 352L, 384L})
    for (const float tail : {0.0F, 1e-3F, 1.0F}) {
      std::vector<float> p, by;
      for (long t = 0; t < n; ++t) {
        p.push_back(t == 3 ? 1.0F : tail * static_cast<float>(random.whole(0, 1000)) / 1000);
        by.push_back(0.01F + static_cast<float>(random.whole(0, 100)) / 1000);
      }
      each_level([&](const Kernels& k) {
        std::vector<uint8_t> q(p.size());
        const double unit = k.weigh(p.data(), by.data(), n, q.data());
        for (size_t lane = 0; lane < 16; ++lane) {
          double wanted = 0, got = 0;
          for (size_t t = lane; t < p.size(); t += 16) {
            wanted += static_cast<double>(p[t]) * by[t];
            got += unit * (q[t] - 1);
            CHECK((q[t] >= 1 && std::fabs(got - wanted) <= unit * 0.501));
          }
        }
      });
    }
  each_level([&](const Kernels& k) {
    const std::vector<float> nothing(32), ones(32, 1);
    std::vector<uint8_t> q(32);
    CHECK(k.weigh(nothing.data(), ones.data(), 32, q.data()) == 0);
    CHECK(q == std::vector<uint8_t>(32, 1));
  });
}

TEST_CASE("f16 is rounded to the nearest even, and attention over it is attention over those values") {
  Random random(5);
  std::vector<float> in = {0, -0.0F, 1, -2.5F, 65504, 6.1035156e-5F, 5.9604645e-8F, 2.9e-8F, 1.00048828125F, 1.00146484375F};
  for (int i = 0; i < 500; ++i) in.push_back(random.normal(std::pow(10.0, static_cast<double>(random.whole(-7, 4)))));
  each_level([&](const Kernels& k) {
    std::vector<uint16_t> h(in.size());
    k.to_f16(in.data(), static_cast<long>(in.size()), h.data());
    for (size_t i = 0; i < in.size(); ++i) {
      const double v = f16_value(h[i]), x = in[i];
      if (std::fabs(x) >= 65520) continue;
      const double step = std::ldexp(1, std::max(-14, std::ilogb(std::max(std::fabs(x), 1e-30))) - 10);
      INFO(x);
      CHECK(std::fabs(v - x) <= step / 2);
      if (std::fabs(v - x) == step / 2) CHECK(h[i] % 2 == 0);
    }
  });
}

TEST_CASE("attention of one query is softmax over all keys") {
  Random random(6);
  for (const auto& [n, d] :
       std::vector<std::pair<long, long>>{{1, 64}, {1500, 64}, {2, 8}, {17, 5}, {448, 64}, {33, 80}, {100, 16}}) {
    for (const double size : {1.0, 12.0}) {
      const auto q = random.normals(d, size), keys = random.normals(n * d, size), values = random.normals(n * d);
      const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(d)));
      const auto softmax = [&, n = n, d = d](auto&& key, auto&& value) {
        std::vector<double> p, out(static_cast<size_t>(d));
        for (long t = 0; t < n; ++t) {
          double dot = 0;
          for (long j = 0; j < d; ++j)
            dot += scale * static_cast<double>(q[static_cast<size_t>(j)]) * key(static_cast<size_t>(t * d + j));
          p.push_back(dot);
        }
        const double top = *std::max_element(p.begin(), p.end());
        double sum = 0;
        for (double& x : p) sum += x = std::exp(x - top);
        for (long t = 0; t < n; ++t)
          for (long j = 0; j < d; ++j)
            out[static_cast<size_t>(j)] += p[static_cast<size_t>(t)] / sum * value(static_cast<size_t>(t * d + j));
        return out;
      };
      each_level([&, n = n, d = d](const Kernels& k) {
        std::vector<float> scores(static_cast<size_t>(n)), out(static_cast<size_t>(d));
        const double tolerance = 3e-6 * size * size;
        INFO(n << " keys of " << d << ", size " << size);
        k.attend_f32(q.data(), keys.data(), values.data(), n, d, scale, scores.data(), out.data());
        CHECK(difference(out, softmax([&](size_t i) { return keys[i]; }, [&](size_t i) { return values[i]; }), tolerance) == "");
        std::vector<uint16_t> k16(keys.size()), v16(values.size());
        k.to_f16(keys.data(), static_cast<long>(keys.size()), k16.data());
        k.to_f16(values.data(), static_cast<long>(values.size()), v16.data());
        k.attend_f16(q.data(), k16.data(), v16.data(), n, d, scale, scores.data(), out.data());
        CHECK(difference(out, softmax([&](size_t i) { return f16_value(k16[i]); }, [&](size_t i) { return f16_value(v16[i]); }),
                         tolerance) == "");
      });
    }
  }
}

TEST_CASE("the cross cache attends to keys and values of its layer and head") {
  Random random(8);
  for (const auto& [rows, width] : std::vector<std::pair<int, int>>{{1500, 64}, {75, 16}, {1, 32}, {33, 8}}) {
    decoder::Facts facts;
    facts.audio_ctx = rows;
    facts.heads = facts.layers = 2;
    facts.state = 2 * width;
    const int wide = 4 * facts.state;
    const auto kv = random.normals(static_cast<int64_t>(rows) * wide), q = random.normals(width);
    decoder::CrossCache cache(facts);
    const int half = rows / 2;
    if (half) cache.fill(kv.data(), 0, half, 2);
    cache.fill(kv.data() + half * wide, half, rows - half, 2);
    for (int layer = 0; layer < 2; ++layer)
      for (int head = 0; head < 2; ++head) {
        std::vector<double> p, wanted(static_cast<size_t>(width));
        const float* keys = kv.data() + layer * 2 * facts.state + head * width;
        double sum = 0;
        for (int t = 0; t < rows; ++t) {
          double dot = 0;
          for (int j = 0; j < width; ++j) dot += static_cast<double>(q[static_cast<size_t>(j)]) * keys[t * wide + j];
          p.push_back(std::exp(dot / std::sqrt(width)));
          sum += p.back();
        }
        for (int t = 0; t < rows; ++t)
          for (int j = 0; j < width; ++j)
            wanted[static_cast<size_t>(j)] += p[static_cast<size_t>(t)] / sum * keys[t * wide + facts.state + j];
        std::vector<float> scores(static_cast<size_t>(rows)), out(wanted.size());
        INFO(rows << " rows of " << width << ", layer " << layer << " head " << head);
        cache.attend(layer, head, q.data(), scores.data(), out.data());
        CHECK(difference(out, wanted, 1e-5) == "");
      }
  }
}

TEST_CASE("an audio cache finds in its parts what attention over all rows does") {
  if (lacks_level()) return;
  Random random(10);
  for (const auto& [rows, heads, state] :
       std::vector<std::array<int, 3>>{{1500, 6, 384}, {384, 2, 32}, {400, 3, 48}, {1, 1, 16}, {17, 8, 128}}) {
    decoder::Facts facts;
    facts.audio_ctx = rows;
    facts.heads = heads;
    facts.state = state;
    const auto encoder = random.normals(static_cast<int64_t>(rows) * state);
    auto queries = random.normals(static_cast<int64_t>(heads) * state);
    for (float& x : queries) x /= std::sqrt(static_cast<float>(state)) / 3;
    decoder::AudioCache cache(facts);
    std::vector<int8_t> levels(static_cast<size_t>(2 * decoder::AudioCache::kPart * state));
    cache.fill(encoder.data(), levels.data(), 2);
    std::vector<uint8_t> bytes(queries.size());
    std::vector<float> scales;
    for (int h = 0; h < heads; ++h)
      scales.push_back(
          decoder::kernels().quantise(&queries[static_cast<size_t>(h * state)], state, &bytes[static_cast<size_t>(h * state)]));
    decoder::AudioCache::Scratch scratch(facts);
    std::vector<double> found(queries.size()), total(static_cast<size_t>(heads));
    for (int part = 0; part < decoder::AudioCache::parts(facts); ++part) {
      std::vector<float> sums(queries.size()), tops(total.size()), totals(total.size());
      cache.attend(part, bytes.data(), scales.data(), scratch, {sums.data(), tops.data(), totals.data()});
      for (size_t h = 0; h < total.size(); ++h) {
        total[h] += totals[h] * std::exp(static_cast<double>(tops[h]));
        for (size_t j = 0; j < static_cast<size_t>(state); ++j)
          found[h * static_cast<size_t>(state) + j] +=
              sums[h * static_cast<size_t>(state) + j] * std::exp(static_cast<double>(tops[h]));
      }
    }
    double power = 0, error = 0;
    for (int h = 0; h < heads; ++h) {
      std::vector<double> wanted(static_cast<size_t>(state));
      double sum = 0;
      for (int t = 0; t < rows; ++t) {
        double dot = 0;
        for (int j = 0; j < state; ++j)
          dot += static_cast<double>(queries[static_cast<size_t>(h * state + j)]) * encoder[static_cast<size_t>(t * state + j)];
        sum += std::exp(dot);
        for (int j = 0; j < state; ++j)
          wanted[static_cast<size_t>(j)] += std::exp(dot) * encoder[static_cast<size_t>(t * state + j)];
      }
      for (int j = 0; j < state; ++j) {
        const double x = wanted[static_cast<size_t>(j)] / sum;
        power += x * x;
        error += std::pow(found[static_cast<size_t>(h * state + j)] / total[static_cast<size_t>(h)] - x, 2);
      }
    }
    INFO(rows << " rows, " << heads << " heads, state " << state << ": " << std::sqrt(error / power));
    CHECK(error < 0.03 * 0.03 * power);
  }
}

TEST_CASE("layer_norm, GELU of erf and the log of a sum of exponentials") {
  Random random(7);
  for (const long n : {2L, 7L, 24L, 384L, 1280L}) {
    auto x = random.normals(n, 2);
    for (float& v : x) v += 3;
    const auto gamma = random.normals(n), beta = random.normals(n);
    std::vector<double> normed, gelu;
    double mean = 0, variance = 0, sum = 0;
    for (float v : x) mean += v / static_cast<double>(n);
    for (float v : x) variance += (v - mean) * (v - mean) / static_cast<double>(n);
    for (size_t j = 0; j < x.size(); ++j) {
      normed.push_back((x[j] - mean) / std::sqrt(variance + 1e-5) * gamma[j] + beta[j]);
      gelu.push_back(0.5 * x[j] * std::erfc(-x[j] / std::sqrt(2.0)));
      sum += std::exp(x[j]);
    }
    each_level([&](const Kernels& k) {
      INFO(n);
      std::vector<float> y(x.size());
      k.layer_norm(x.data(), gamma.data(), beta.data(), n, y.data());
      CHECK(difference(y, normed, 1e-5) == "");
      y = x;
      k.gelu(y.data(), n);
      CHECK(difference(y, gelu, 4e-6) == "");
      float top = 0, log_sum = 0;
      k.log_sum_exp(x.data(), n, &top, &log_sum);
      CHECK(top == *std::max_element(x.begin(), x.end()));
      CHECK(k.largest(x.data(), n) == top);
      CHECK(top + log_sum == Approx(std::log(sum)).margin(2e-6));
    });
  }
}

TEST_CASE("GELU holds over its whole range, and masked logits count for nothing in a sum") {
  std::vector<float> x;
  for (int i = -1200; i <= 1200; ++i) x.push_back(static_cast<float>(i) / 100);
  each_level([&](const Kernels& k) {
    auto y = x;
    k.gelu(y.data(), static_cast<long>(y.size()));
    for (size_t i = 0; i < x.size(); ++i)
      if (const double g = 0.5 * x[i] * std::erfc(-x[i] / std::sqrt(2.0));
          std::fabs(y[i] - g) > 6e-7 * std::max(1.0, std::fabs(x[i] * 1.0)))
        FAIL_CHECK("GELU(" << x[i] << ") is " << y[i] << ", wanted " << g);
    std::vector<float> masked(500, -1e30F);
    masked[77] = -3;
    float top = 0, log_sum = 1;
    k.log_sum_exp(masked.data(), 500, &top, &log_sum);
    CHECK(top == -3);
    CHECK(log_sum == Approx(0).margin(1e-6));
  });
}

TEST_CASE("sample inverts the running sum of the shares") {
  Random random(23);
  each_level([&](const decoder::Kernels& k) {
    for (long n : {1L, 5L, 256L, 257L, 51865L}) {
      const auto x = random.normals(n, 3);
      const float top = *std::max_element(x.begin(), x.end());
      for (float temperature : {0.2F, 1.0F}) {
        std::vector<double> running;
        double sum = 0;
        for (float v : x) running.push_back(sum += std::exp((static_cast<double>(v) - top) / temperature));
        for (double draw : {0.0, 0.1, 0.5, 0.9, 0.999}) {
          const long got = k.sample(x.data(), n, top, temperature, draw);
          REQUIRE((got >= 0 && got < n));
          const auto at = static_cast<size_t>(got);
          CHECK((at ? running[at - 1] : 0) / sum <= draw + 1e-5);
          CHECK(running[at] / sum >= draw - 1e-5);
        }
      }
    }
  });
}
