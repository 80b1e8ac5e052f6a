// Stands in for libFuzzer where there is no clang: the corpus as it is, then seeded random mutations of it, at least 1000 of
// them. usage: fuzz_<target> CORPUS SECONDS
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <random>
#include <vector>

#include "fuzz.hpp"

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

Bytes mutated(Bytes b, const std::vector<Bytes>& corpus, std::mt19937& random) {
  auto below = [&](size_t n) { return n ? random() % n : 0; };
  static const uint64_t numbers[] = {0,      1,          0x7F,       0x80,       0xFF,       0x7FFF,
                                     0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, ~0ULL >> 1, ~0ULL};
  for (size_t times = 1 + below(4); times--;) {
    const auto at = static_cast<std::ptrdiff_t>(below(b.size() + 1));
    switch (random() % 6) {
      case 0:
        if (!b.empty()) b[below(b.size())] ^= static_cast<uint8_t>(1U << random() % 8);
        break;
      case 1:
        b.insert(b.begin() + at, static_cast<uint8_t>(random()));
        break;
      case 2:
        b.erase(b.begin() + at, b.begin() + at + static_cast<std::ptrdiff_t>(below(std::min<size_t>(9, b.size() - at + 1))));
        break;
      case 3: {
        const uint64_t n = numbers[below(std::size(numbers))];
        const size_t width = size_t{1} << random() % 4;
        if (b.size() >= width) std::memcpy(b.data() + below(b.size() - width + 1), &n, width);
        break;
      }
      case 4: {  // a stretch of another (or the same) entry, put in here
        const Bytes& other = corpus[below(corpus.size())];
        const size_t from = below(other.size()), n = below(std::min<size_t>(64, other.size() - from) + 1);
        b.insert(b.begin() + at, other.begin() + static_cast<std::ptrdiff_t>(from),
                 other.begin() + static_cast<std::ptrdiff_t>(from + n));
        break;
      }
      default:
        b.resize(static_cast<size_t>(at));
    }
  }
  return b;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::vector<fs::path> files{fs::directory_iterator(argv[1]), fs::directory_iterator()};
  std::sort(files.begin(), files.end());
  std::vector<Bytes> corpus;
  for (const fs::path& f : files) {
    std::ifstream in(f, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    LLVMFuzzerTestOneInput(corpus.back().data(), corpus.back().size());
  }
  if (corpus.empty()) return 2;
  constexpr int kFewest = 1000;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[2]));
  int i = 0;
  for (; i < kFewest || std::chrono::steady_clock::now() < end; ++i) {
    std::mt19937 random(static_cast<uint32_t>(i));
    const Bytes b = mutated(corpus[random() % corpus.size()], corpus, random);
    LLVMFuzzerTestOneInput(b.data(), b.size());
  }
  std::printf("%zu files and %d mutations\n", corpus.size(), i);
}
