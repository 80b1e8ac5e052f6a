#include "descriptor.hpp"

namespace npurt_npu {
namespace {

// One field of a register.
struct Field {
  unsigned word, low, bits;
};

// Field positions of one kind of tile. A field with 0 bits does not exist there.
struct Layout {
  const char* name;
  Field length, base, base_high, size[3], step[4], iteration_step, iteration_size, iteration_now;
  Field acquire_id, acquire_value, acquires, release_id, release_value, chained, next, valid;
  std::array<Field, 5> unmodelled;  // packets, compression, padding
  unsigned base_unit;               // bytes
};

constexpr Layout kShim = {"a shim",
                          {0, 0, 32},
                          {1, 2, 30},
                          {2, 0, 16},
                          {{3, 20, 10}, {4, 20, 10}, {}},
                          {{3, 0, 20}, {4, 0, 20}, {5, 0, 20}, {}},
                          {6, 0, 20},
                          {6, 20, 6},
                          {6, 26, 6},
                          {7, 0, 4},
                          {7, 5, 7},
                          {7, 12, 1},
                          {7, 13, 4},
                          {7, 18, 7},
                          {7, 26, 1},
                          {7, 27, 4},
                          {7, 25, 1},
                          {{{2, 30, 1}, {}, {}, {}, {}}},
                          4};
constexpr Layout kMemtile = {"a memory tile",
                             {0, 0, 17},
                             {1, 0, 19},
                             {},
                             {{2, 17, 10}, {3, 17, 10}, {4, 17, 10}},
                             {{2, 0, 17}, {3, 0, 17}, {4, 0, 17}, {5, 0, 17}},
                             {6, 0, 17},
                             {6, 17, 6},
                             {6, 23, 6},
                             {7, 0, 8},
                             {7, 8, 7},
                             {7, 15, 1},
                             {7, 16, 8},
                             {7, 24, 7},
                             {1, 19, 1},
                             {1, 20, 6},
                             {7, 31, 1},
                             {{{0, 31, 1}, {1, 26, 6}, {3, 27, 5}, {4, 27, 5}, {5, 17, 15}}},
                             4};
constexpr Layout kCore = {"a core",
                          {0, 0, 14},
                          {0, 14, 14},
                          {},
                          {{3, 13, 8}, {3, 21, 8}, {}},
                          {{2, 0, 13}, {2, 13, 13}, {3, 0, 13}, {}},
                          {4, 0, 13},
                          {4, 13, 6},
                          {4, 19, 6},
                          {5, 0, 4},
                          {5, 5, 7},
                          {5, 12, 1},
                          {5, 13, 4},
                          {5, 18, 7},
                          {5, 26, 1},
                          {5, 27, 4},
                          {5, 25, 1},
                          {{{1, 30, 1}, {1, 31, 1}, {}, {}, {}}},
                          4};

const Layout& layout_of(TileKind kind) { return kind == TileKind::shim ? kShim : kind == TileKind::memtile ? kMemtile : kCore; }

class Words {
 public:
  Words(const Layout& layout, unsigned count) : layout_(layout), words_(count) {}
  void put(const Field& f, uint64_t value, const char* what) {
    const uint64_t most = f.bits ? (uint64_t{1} << f.bits) - 1 : 0;
    if (value > most)
      throw LimitError(std::string(what) + " is " + std::to_string(value) + "; the descriptor of " + layout_.name +
                       " holds at most " + std::to_string(most));
    if (f.bits) words_[f.word] |= static_cast<uint32_t>(value << f.low);
  }
  std::vector<uint32_t> take() { return std::move(words_); }

 private:
  const Layout& layout_;
  std::vector<uint32_t> words_;
};

uint32_t get(const Field& f, const uint32_t* words) {
  return f.bits == 32 ? words[f.word] : words[f.word] >> f.low & ((1U << f.bits) - 1);
}

// Seven bits of two's complement.
int8_t lock_value(uint32_t bits) { return static_cast<int8_t>(static_cast<int8_t>(bits << 1) >> 1); }
uint32_t lock_bits(int8_t value, const char* what) {
  if (value < -64 || value > 63)
    throw LimitError(std::string(what) + " is " + std::to_string(value) + "; locks go from -64 to 63");
  return static_cast<uint32_t>(value) & 127;
}

}  // namespace

std::vector<uint32_t> Descriptor::encode(TileKind kind) const {
  const Layout& l = layout_of(kind);
  Words w(l, map_of(kind).bd_words);
  const unsigned count = kind == TileKind::memtile ? 4 : 3;
  if (length == 0) throw LimitError("the length is 0");
  if (base % 4) throw LimitError("the base address " + std::to_string(base) + " is not a multiple of 4");
  w.put(l.length, length, "the length in words");
  if (l.base_high.bits) {
    w.put(l.base, base >> 2 & 0x3FFFFFFF, "the base address");
    w.put(l.base_high, base >> 32, "the upper base address");
  } else {
    w.put(l.base, base / 4, "the base address in words");
  }
  for (unsigned i = 0; i < count; ++i) {
    if (dims[i].step == 0) throw LimitError("a dim steps by 0 words");
    w.put(l.step[i], dims[i].step - 1, "a dim's step less one");
    if (i + 1 < count) w.put(l.size[i], dims[i].size, "a dim's size");
  }
  if (iteration_size == 0) throw LimitError("the iteration has no steps");
  w.put(l.iteration_size, iteration_size - 1, "the iteration's size less one");
  w.put(l.iteration_step, iteration_step ? iteration_step - 1 : 0, "the iteration's step less one");
  if (acquires) {
    w.put(l.acquire_id, acquire.id, "the lock to acquire");
    w.put(l.acquire_value, lock_bits(acquire.value, "the value to acquire"), "the value to acquire");
    w.put(l.acquires, 1, "acquiring");
  }
  w.put(l.release_id, release.id, "the lock to release");
  w.put(l.release_value, lock_bits(release.value, "the value to release"), "the value to release");
  w.put(l.chained, chained, "chaining");
  w.put(l.next, next, "the next descriptor");
  w.put(l.valid, 1, "being valid");
  return w.take();
}

Descriptor Descriptor::decode(TileKind kind, const uint32_t* words) {
  const Layout& l = layout_of(kind);
  if (!get(l.valid, words)) throw LimitError("it is not marked valid");
  for (const Field& f : l.unmodelled)
    if (f.bits && get(f, words)) throw LimitError("it uses packets, compression or padding, which the virtual NPU does not have");
  Descriptor d;
  d.length = get(l.length, words);
  if (d.length == 0) throw LimitError("its length is 0");
  d.base = uint64_t{get(l.base, words)} << 2;
  if (l.base_high.bits) d.base |= uint64_t{get(l.base_high, words)} << 32;
  const unsigned count = kind == TileKind::memtile ? 4 : 3;
  for (unsigned i = 0; i < count; ++i) {
    d.dims[i].step = get(l.step[i], words) + 1;
    d.dims[i].size = i + 1 < count ? get(l.size[i], words) : 0;
  }
  d.iteration_size = get(l.iteration_size, words) + 1;
  d.iteration_step = d.iteration_size > 1 ? get(l.iteration_step, words) + 1 : 0;
  if (get(l.iteration_now, words)) throw LimitError("it begins inside an iteration, which the virtual NPU does not have");
  d.acquires = get(l.acquires, words);
  d.acquire = {static_cast<uint8_t>(get(l.acquire_id, words)), lock_value(get(l.acquire_value, words))};
  d.release = {static_cast<uint8_t>(get(l.release_id, words)), lock_value(get(l.release_value, words))};
  d.chained = get(l.chained, words);
  d.next = static_cast<uint8_t>(get(l.next, words));
  return d;
}

}  // namespace npurt_npu
