#include "machine.hpp"

#include <algorithm>
#include <cstring>

#include "cost.hpp"

namespace npurt_npu {
namespace {

// Words that move at once; a switch has room for a few, so this is only about speed.
constexpr uint32_t kChunk = 4096;

std::string name_of(const Tile& t) {
  const char* kind = t.kind == TileKind::shim ? "shim" : t.kind == TileKind::memtile ? "memory tile" : "core";
  return std::string(kind) + " (" + std::to_string(t.column) + "," + std::to_string(t.row) + ")";
}
std::string name_of(const Channel& c) { return (c.direction == Direction::in ? "S2MM " : "MM2S ") + std::to_string(c.number); }

}  // namespace

Machine::Machine(const Generation& generation, const Design& design) : generation_(generation), design_(design), words_(kChunk) {
  for (unsigned column = 0; column < generation.columns; ++column)
    for (unsigned row = 0; row < generation.rows; ++row) {
      auto t = std::make_unique<Tile>();
      t->kind = kind_of_row(row);
      t->column = column;
      t->row = row;
      t->memory.resize(count(0, generation.memtile_memory, generation.core_memory, t->kind));
      t->bds.resize(count(generation.shim_bds, generation.memtile_bds, generation.core_bds, t->kind));
      t->iterations.resize(t->bds.size());
      for (unsigned i = 0; i < count(generation.shim_channels, generation.memtile_channels, generation.core_channels, t->kind);
           ++i)
        for (auto d : {Direction::in, Direction::out}) {
          Channel c;
          c.direction = d;
          c.number = i;
          (d == Direction::in ? t->in : t->out).push_back(std::move(c));
        }
      tiles_.push_back(std::move(t));
    }
  auto end = [&](const Port& p, Direction d) {
    Tile& t = tile(p.column, p.row);
    Channel* c = channel(t, d, p.channel);
    if (!c) throw StreamError(design.name + ": " + name_of(t) + " has no channel " + std::to_string(p.channel));
    return std::pair<Tile*, Channel*>{&t, c};
  };
  for (const Route& r : design.routes) {
    const auto [from, out] = end(r.from, Direction::out);
    Wire w{from, out, {}};
    for (const Port& p : r.to) w.to.push_back(end(p, Direction::in));
    wires_.push_back(std::move(w));
  }
  interpret(design.configuration, true);
  for (const CoreAt& c : design_.cores) {
    Tile& t = tile(c.column, c.row);
    if (t.kind != TileKind::core) throw StreamError(design.name + ": " + name_of(t) + " runs no program");
    auto core = std::make_unique<Core>(t.memory.data(), t.locks);
    CoreTask task = c.program(*core);
    cores_.push_back({&t, std::move(core), std::move(task)});
  }
}

unsigned Machine::count(unsigned shim, unsigned memtile, unsigned core, TileKind kind) const {
  return kind == TileKind::shim ? shim : kind == TileKind::memtile ? memtile : core;
}

Tile& Machine::tile(unsigned column, unsigned row) {
  if (column >= generation_.columns || row >= generation_.rows)
    throw LimitError("there is no tile (" + std::to_string(column) + "," + std::to_string(row) + "); the partition has " +
                     std::to_string(generation_.columns) + " columns and " + std::to_string(generation_.rows) + " rows");
  return *tiles_[column * generation_.rows + row];
}

Channel* Machine::channel(Tile& t, Direction d, unsigned number) {
  auto& all = d == Direction::in ? t.in : t.out;
  return number < all.size() ? &all[number] : nullptr;
}

Usage Machine::execute(std::span<const uint32_t> stream, std::span<const Argument> arguments, uint64_t most_words) {
  arguments_ = arguments;
  most_words_ = most_words;
  usage_ = {};
  for (auto& t : tiles_)
    for (auto* side : {&t->in, &t->out})
      for (Channel& c : *side) c.words = c.tokens = 0, c.pieces = {};
  for (Running& r : cores_) r.cycles = 0;
  interpret(stream, false);
  for (const auto& t : tiles_)
    if (t->kind == TileKind::shim)
      for (auto* side : {&t->in, &t->out})
        for (const Channel& c : *side) {
          if (!c.idle()) throw StreamError("the stream ends while " + name_of(*t) + " " + name_of(c) + " still has a task");
          usage_.channel_cycles = std::max(usage_.channel_cycles, channel_cycles(generation_, c.words, c.pieces));
          (c.direction == Direction::in ? usage_.written : usage_.read) += 4 * c.words;
        }
  for (const Running& r : cores_) usage_.core_cycles = std::max(usage_.core_cycles, r.cycles);
  return usage_;
}

// Finds the memory that the channel's descriptor points to.
void Machine::locate(Tile& t, Channel& c) {
  const Descriptor& d = c.descriptor;
  if (t.kind != TileKind::shim) {
    if (d.base >= t.memory.size())
      throw LimitError("descriptor " + std::to_string(c.bd) + " of " + name_of(t) + " begins at " + std::to_string(d.base) +
                       "; its memory has " + std::to_string(t.memory.size()) + " bytes");
    c.memory = t.memory.data() + d.base;
    c.bytes = t.memory.size() - d.base;
    return;
  }
  for (const Argument& a : arguments_)
    if (d.base >= a.address && d.base - a.address < a.bytes) {
      c.memory = a.data + (d.base - a.address);
      c.bytes = a.bytes - (d.base - a.address);
      return;
    }
  throw LimitError("descriptor " + std::to_string(c.bd) + " of " + name_of(t) + " points outside of every buffer of the launch");
}

// Whether the channel is inside a descriptor; starts the next one if it can.
bool Machine::ready(Tile& t, Channel& c) {
  if (c.active) return true;
  if (!c.task) {
    if (c.queue.empty()) return false;
    c.task = c.queue.front();
    c.queue.pop_front();
    c.bd = c.task->bd;
  }
  if (c.bd >= t.bds.size())
    throw LimitError("descriptor " + std::to_string(c.bd) + " of " + name_of(t) + ", which has " + std::to_string(t.bds.size()));
  if (t.kind == TileKind::memtile && (c.bd < 24) != (c.number % 2 == 0))
    throw LimitError(name_of(t) + " " + name_of(c) + " uses descriptor " + std::to_string(c.bd) +
                     "; even channels have 0 to 23, odd ones 24 to 47");
  try {
    c.descriptor = Descriptor::decode(t.kind, t.bds[c.bd].data());
  } catch (const LimitError& e) {
    throw LimitError("descriptor " + std::to_string(c.bd) + " of " + name_of(t) + ": " + e.what());
  }
  const Descriptor& d = c.descriptor;
  const unsigned locks = count(generation_.shim_locks, generation_.memtile_locks, generation_.core_locks, t.kind);
  if ((d.acquires && d.acquire.id >= locks) || d.release.id >= locks)
    throw LimitError("descriptor " + std::to_string(c.bd) + " of " + name_of(t) + " uses a lock that is not there; there are " +
                     std::to_string(locks));
  if (d.acquires) {
    const int v = d.acquire.value;
    if (v < 0 ? !t.locks.can_take(d.acquire.id, -v) : t.locks.value(d.acquire.id) != v) return false;
    t.locks.take(d.acquire.id, v < 0 ? -v : v);
  }
  locate(t, c);
  c.walk = Walk(d, uint64_t{t.iterations[c.bd] % d.iteration_size} * d.iteration_step);
  ++t.iterations[c.bd];
  c.active = true;
  return true;
}

void Machine::finish(Tile& t, Channel& c) {
  c.active = false;
  if (c.descriptor.release.value) t.locks.add(c.descriptor.release.id, c.descriptor.release.value);
  if (c.descriptor.chained) {
    c.bd = c.descriptor.next;
    return;
  }
  c.bd = c.task->bd;
  if (c.task->repeat > 0) {
    --c.task->repeat;
    return;
  }
  c.tokens += c.task->token;
  c.task.reset();
}

// Moves a chunk of one stream; false if either end is not there yet.
bool Machine::move(Tile& from, Channel& out, const std::vector<std::pair<Tile*, Channel*>>& to) {
  if (!ready(from, out)) return false;
  uint32_t words = std::min(out.walk.left(), kChunk);
  for (const auto& [t, c] : to) {
    if (!ready(*t, *c)) return false;
    words = std::min(words, c->walk.left());
  }
  auto check = [](const Tile& t, const Channel& c, uint64_t offset, uint64_t count) {
    if (offset >= c.bytes / 4 || count > c.bytes / 4 - offset)
      throw LimitError("descriptor " + std::to_string(c.bd) + " of " + name_of(t) + " goes past the end of its memory");
  };
  uint32_t* buffer = words_.data();
  out.walk.go(words, [&](uint64_t offset, uint32_t n) {
    check(from, out, offset, n);
    std::memcpy(buffer, out.memory + 4 * offset, size_t{4} * n);
    buffer += n;
  });
  out.pieces.add(out.walk.take_pieces());
  for (const auto& [t, c] : to) {
    const uint32_t* source = words_.data();
    c->walk.go(words, [&, tile = t, ch = c](uint64_t offset, uint32_t n) {
      check(*tile, *ch, offset, n);
      std::memcpy(ch->memory + 4 * offset, source, size_t{4} * n);
      source += n;
    });
    c->words += words;
    c->pieces.add(c->walk.take_pieces());
    if (c->walk.left() == 0) finish(*t, *c);
  }
  out.words += words;
  if (out.words > most_words_) throw Hang(name_of(from) + " " + name_of(out) + " goes on for ever");
  if (out.walk.left() == 0) finish(from, out);
  return true;
}

template <typename Done>
void Machine::run(Done&& done) {
  for (bool moved = true; moved;) {
    moved = false;
    if (done()) return;
    for (const Wire& w : wires_)
      while (move(*w.from, *w.out, w.to)) moved = true;
    for (Running& r : cores_) {
      while (!r.task.done() && r.core->take()) {
        r.task.resume();
        r.cycles += r.core->spent();
        moved = true;
      }
    }
  }
}

std::string Machine::waiting() const {
  std::string out;
  for (const auto& t : tiles_)
    for (auto* side : {&t->in, &t->out})
      for (const Channel& c : *side)
        if (t->kind == TileKind::shim && !c.idle())
          out += "; " + name_of(*t) + " " + name_of(c) + " is in descriptor " + std::to_string(c.bd) +
                 (c.active ? " with " + std::to_string(c.walk.left()) + " words left" : " and waits for its lock");
  return out;
}

void Machine::sync(const uint32_t* w) {
  const Direction d = w[2] & 255 ? Direction::out : Direction::in;
  const unsigned row = w[2] >> 8 & 255, column = w[2] >> 16 & 255;
  const unsigned rows = w[3] >> 8 & 255, columns = w[3] >> 16 & 255, number = w[3] >> 24;
  if (rows == 0 || columns == 0) throw LimitError("it waits for no tile");
  std::vector<Channel*> all;
  for (unsigned x = column; x < column + columns; ++x)
    for (unsigned y = row; y < row + rows; ++y) {
      Channel* c = channel(tile(x, y), d, number);
      if (!c) throw LimitError(name_of(tile(x, y)) + " has no channel " + std::to_string(number));
      all.push_back(c);
    }
  auto done = [&] { return std::all_of(all.begin(), all.end(), [](const Channel* c) { return c->tokens > 0; }); };
  run(done);
  if (!done()) throw Hang("a token of " + name_of(*all[0]) + " never comes" + waiting());
  for (Channel* c : all) --c->tokens;
}

}  // namespace npurt_npu
