#include "decode_values.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <thread>

namespace npurt {

float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000 | mantissa << 13);
  if (exponent) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float tiny = static_cast<float>(mantissa) * 0x1p-24F;
  return sign ? -tiny : tiny;
}

namespace {

template <typename T>
T load(const uint8_t* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

#if defined(__x86_64__)
__attribute__((target("f16c,avx"))) void halves_f16c(const uint8_t* p, uint64_t n, float* out) {
  typedef short v8h __attribute__((vector_size(16)));
  uint64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    auto f = __builtin_ia32_vcvtph2ps256(load<v8h>(p + 2 * i));
    std::memcpy(out + i, &f, sizeof f);
  }
  for (; i < n; ++i) out[i] = half_to_float(load<uint16_t>(p + 2 * i));
}
#endif

void halves(const uint8_t* p, uint64_t n, float* out) {
#if defined(__x86_64__)
  static const bool fast = __builtin_cpu_supports("avx2");  // came with F16C, which clang 14 does not know by name
  if (fast) return halves_f16c(p, n, out);
#endif
  for (uint64_t i = 0; i < n; ++i) out[i] = half_to_float(load<uint16_t>(p + 2 * i));
}

void block(Encoding e, const uint8_t* p, float* out) {
  const float d = half_to_float(load<uint16_t>(p));
  switch (e) {
    case Encoding::q4_0:
      for (int i = 0; i < 16; ++i) {
        out[i] = d * static_cast<float>((p[2 + i] & 15) - 8);
        out[i + 16] = d * static_cast<float>((p[2 + i] >> 4) - 8);
      }
      break;
    case Encoding::q5_0:
    case Encoding::q5_1: {
      const bool offset = e == Encoding::q5_1;
      const float m = offset ? half_to_float(load<uint16_t>(p + 2)) : -16 * d;
      const uint8_t* q = p + (offset ? 8 : 6);
      const auto high = load<uint32_t>(q - 4);
      for (int i = 0; i < 16; ++i) {
        out[i] = d * static_cast<float>((q[i] & 15) | (high >> i & 1) << 4) + m;
        out[i + 16] = d * static_cast<float>(q[i] >> 4 | (high >> (i + 16) & 1) << 4) + m;
      }
      break;
    }
    default:
      for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(static_cast<int8_t>(p[2 + i]));
  }
}

// One copy for each set of features, picked when the program is loaded. Sanitizers start too late for
// that, and clang does not tell that there is one.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define NPURT_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define NPURT_CLONES
#endif

// Written for the vectoriser, since a model may hold a billion values: the largest magnitude as an integer (NaN is above all),
// and rounding by adding 1.5·2^23, which leaves the nearest whole number in the low bits.
NPURT_CLONES void quantise_rows(const float* in, int64_t rows, int64_t cols, int8_t* out, float* scale) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = in + r * cols;
    uint32_t most = 0;
    for (int64_t i = 0; i < cols; ++i) most = std::max(most, std::bit_cast<uint32_t>(x[i]) & 0x7FFFFFFFU);
    const auto top = std::bit_cast<float>(most);
    scale[r] = top / 127;
    const float inverse = top > 0 ? 127 / top : 0;
    for (int64_t i = 0; i < cols; ++i)
      out[r * cols + i] = static_cast<int8_t>(std::bit_cast<uint32_t>(x[i] * inverse + 12582912.0F) - 0x4B400000U);
  }
}

}  // namespace

void decode_f32(const Stored& t, const float* scale, float* out) {
  const uint64_t n = t.count();
  const uint8_t* p = t.data.data();
  if (n == 0) return;
  switch (t.encoding) {
    case Encoding::f32:
      std::memcpy(out, p, n * 4);
      return;
    case Encoding::f16:
      halves(p, n, out);
      return;
    case Encoding::bf16:
      for (uint64_t i = 0; i < n; ++i) out[i] = std::bit_cast<float>(static_cast<uint32_t>(load<uint16_t>(p + 2 * i)) << 16);
      return;
    case Encoding::i8: {
      const uint64_t cols = t.dims.empty() ? 1 : n / static_cast<uint64_t>(t.dims[0]);
      for (uint64_t i = 0; i < n; ++i) out[i] = static_cast<float>(static_cast<int8_t>(p[i])) * (scale ? scale[i / cols] : 1.0F);
      return;
    }
    case Encoding::u8:
      for (uint64_t i = 0; i < n; ++i) out[i] = p[i];
      return;
    case Encoding::i16:
      for (uint64_t i = 0; i < n; ++i) out[i] = load<int16_t>(p + 2 * i);
      return;
    case Encoding::i32:
      for (uint64_t i = 0; i < n; ++i) out[i] = static_cast<float>(load<int32_t>(p + 4 * i));
      return;
    case Encoding::i64:
      for (uint64_t i = 0; i < n; ++i) out[i] = static_cast<float>(load<int64_t>(p + 8 * i));
      return;
    default:
      for (uint64_t i = 0; i < n; i += 32) block(t.encoding, p + encoded_bytes(t.encoding, i), out + i);
  }
}

void quantise_stored(const Stored& t, int64_t rows, int64_t cols, int8_t* out, float* scale) {
  constexpr int64_t kRows = 32;  // whole blocks of 32 values, whatever their length; and few enough to stay in the cache
  const int64_t stretches = (rows + kRows - 1) / kRows;
  auto convert = [&](int64_t first, int64_t last) {
    std::vector<float> values(static_cast<size_t>(kRows * cols));
    for (int64_t s = first; s < last; ++s) {
      const int64_t row = s * kRows, n = std::min(kRows, rows - row);
      decode_f32({t.encoding, {n, cols}, t.data.subspan(encoded_bytes(t.encoding, static_cast<uint64_t>(row * cols)))}, nullptr,
                 values.data());
      quantise_rows(values.data(), n, cols, out + row * cols, scale + row);
    }
  };
  const int64_t workers = rows * cols < (1 << 20) ? 1 : std::clamp<int64_t>(std::thread::hardware_concurrency(), 1, stretches);
  std::vector<std::thread> others;
  for (int64_t w = 1; w < workers; ++w) others.emplace_back(convert, stretches * w / workers, stretches * (w + 1) / workers);
  convert(0, stretches / workers);
  for (std::thread& o : others) o.join();
}

}  // namespace npurt
