#include "traffic.hpp"

#include <algorithm>
#include <map>

#include "channel.hpp"
#include "cost.hpp"

namespace npurt_npu {
namespace {

struct Moved {
  uint64_t words = 0;
  Pieces pieces;
};

class Shims {
 public:
  explicit Shims(const Generation& g) : generation_(g) {}

  void write(uint32_t address, uint32_t value) {
    if (kind_of_row(row_of(address)) != TileKind::shim) return;
    const Map m = map_of(TileKind::shim);
    const unsigned column = column_of(address);
    const uint32_t offset = offset_of(address);
    if (offset >= m.bds && offset < m.bds + 32 * generation_.shim_bds)
      bds_[{column, (offset - m.bds) / 32}][(offset - m.bds) / 4 % 8] = value;
    for (auto d : {Direction::in, Direction::out})
      for (unsigned channel = 0; channel < generation_.shim_channels; ++channel)
        if (offset == queue_register(TileKind::shim, d, channel)) push(column, d, channel, value);
  }

  Usage usage() const {
    Usage u;
    u.pushes = pushes_;
    for (const auto& [channel, moved] : channels_) {
      u.channel_cycles = std::max(u.channel_cycles, channel_cycles(generation_, moved.words, moved.pieces));
      (std::get<1>(channel) == Direction::in ? u.written : u.read) += 4 * moved.words;
    }
    return u;
  }

 private:
  void push(unsigned column, Direction d, unsigned channel, uint32_t value) {
    ++pushes_;
    const uint64_t times = (value >> 16 & 255) + 1;
    Moved& all = channels_[{column, d, channel}];
    for (unsigned bd = value & 15;;) {
      const Descriptor one = Descriptor::decode(TileKind::shim, bds_[{column, bd}].data());
      all.words += times * one.length;
      all.pieces.add(pieces_of(bds_[{column, bd}], one), times);
      if (!one.chained) return;
      bd = one.next;
    }
  }

  // Those of descriptors that differ in their base alone are the same.
  const Pieces& pieces_of(std::array<uint32_t, 8> words, const Descriptor& d) {
    words[1] = words[2] = 0;
    const auto [it, fresh] = known_.try_emplace(words);
    if (fresh) {
      Walk walk(d, 0);
      walk.go(d.length, [](uint64_t, uint32_t) {});
      it->second = walk.take_pieces();
    }
    return it->second;
  }

  const Generation& generation_;
  std::map<std::pair<unsigned, unsigned>, std::array<uint32_t, 8>> bds_;
  std::map<std::tuple<unsigned, Direction, unsigned>, Moved> channels_;
  std::map<std::array<uint32_t, 8>, Pieces> known_;
  uint64_t pushes_ = 0;
};

}  // namespace

Usage traffic(const Generation& g, std::span<const uint32_t> s) {
  Shims shims(g);
  for (size_t at = 4; at < s.size();) {
    const uint32_t* w = s.data() + at;
    switch (w[0]) {
      case kWrite32:
        shims.write(w[2], w[4]);
        at += 6;
        break;
      case kBlockWrite:
        for (uint32_t i = 0; i < w[3] / 4 - 4; ++i) shims.write(w[2] + 4 * i, w[4 + i]);
        at += w[3] / 4;
        break;
      case kNoop:
        at += 1;
        break;
      default:
        at += w[1] / 4;
    }
  }
  return shims.usage();
}

}  // namespace npurt_npu
