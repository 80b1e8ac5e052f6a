#include "self_test.hpp"

#include <cmath>
#include <cstring>
#include <map>
#include <mutex>

#include "launcher.hpp"

namespace npurt_npu {
namespace {

// Two tiles deep, so that the sum over steps is tested too; the width is no multiple of a tile.
constexpr GemmShape kShape{256, 128, 250};

int8_t value(uint64_t row, uint64_t column, uint64_t salt) {
  return static_cast<int8_t>((row * 131 + column * 71 + salt) * 2654435761U >> 24);
}

// What is wrong with C, or "". Small integers are exact in both types: bf16 holds eight bits, and sums stay below 2^24.
template <typename T>
std::string judge(const T* c, uint64_t stride) {
  uint64_t wrong = 0, zeros = 0, nans = 0;
  std::string first;
  for (uint64_t i = 0; i < kShape.m; ++i)
    for (uint64_t j = 0; j < kShape.n; ++j) {
      int32_t sum = 0;
      for (uint64_t k = 0; k < kShape.k; ++k) sum += value(i, k, 1) * value(k, j, 2);
      const T got = c[i * stride + j];
      nans += got != got;
      zeros += got == 0;
      if (got == static_cast<T>(sum)) continue;
      if (wrong++ == 0)
        first = "C[" + std::to_string(i) + "," + std::to_string(j) + "] is " + std::to_string(got) + " where " +
                std::to_string(sum) + " is right";
    }
  const uint64_t all = kShape.m * kShape.n;
  if (zeros == all) return "gave only zeros";
  if (nans) return "gave NaN in " + std::to_string(nans) + " of " + std::to_string(all) + " values";
  return wrong ? "gave " + std::to_string(wrong) + " wrong values of " + std::to_string(all) + ": " + first : "";
}

template <typename In, typename Out, typename F>
std::string answer(Device& device, const GemmTile& tile, F&& in) {
  Launcher l(device, tile, kShape);
  for (uint64_t k = 0; k < kShape.k; ++k)
    for (uint64_t n = 0; n < kShape.n; ++n) l.set_weight<In>(k, n, in(value(k, n, 2)));
  l.finish_weights();
  std::string said;
  l.run(
      [&](std::byte* a) {
        auto* p = reinterpret_cast<In*>(a);
        for (uint64_t i = 0; i < kShape.m; ++i)
          for (uint64_t k = 0; k < l.padded().k; ++k) p[i * l.padded().k + k] = in(value(i, k, 1));
      },
      [&](const std::byte* c) { said = judge(reinterpret_cast<const Out*>(c), l.padded().n); });
  return said;
}

}  // namespace

void self_test(Device& device, const GemmTile& tile) {
  static std::mutex mutex;
  static std::map<std::pair<const Device*, std::string>, std::string> known;
  const std::lock_guard lock(mutex);
  const auto key = std::pair<const Device*, std::string>{&device, tile.kernel};
  auto it = known.find(key);
  if (it == known.end()) {
    auto bf16 = [](int8_t x) { return static_cast<uint16_t>(__builtin_bit_cast(uint32_t, static_cast<float>(x)) >> 16); };
    const std::string said = tile.in_bytes == 1 ? answer<int8_t, int32_t>(device, tile, [](int8_t x) { return x; })
                                                : answer<uint16_t, float>(device, tile, bf16);
    it = known.emplace(key, said).first;
  }
  if (!it->second.empty())
    throw DeviceError("self-test of matmul " + std::string(tile.kernel) + " on " + device.name() + " " + it->second);
}

}  // namespace npurt_npu
