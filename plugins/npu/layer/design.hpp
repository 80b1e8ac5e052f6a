// A whole pre-norm transformer layer on one design, in the dataflow of array.hpp: seven launches that a run list holds, between
// which the host has nothing to do, since each leaves its result in the order in which the next one reads it.
//
//   norm     n  = (x - mean) / deviation         rows of f32 to rows of bf16; gamma and beta are in the next weights
//   product  qkv = n·W + b                       bf16; the queries' 1/8 is in W and b
//   attend   y  = softmax(q·kᵀ)·v                q, k and v out of the rows of qkv
//   product  x' = x + y·W + b                    f32: what layers add up is never rounded
//   norm, product h = gelu(n·W + b), product out = x' + h·W + b
//
// A core holds the programs of all three; the first word of its parameters says which one a launch wants. Everything is in one
// buffer, at the offsets of LayerPlaces; rows are padded to 256, and what is added must be zeros.
#pragma once

#include <generations.hpp>

#include "../design.hpp"
#include "../instructions.hpp"
#include "../virtual/usage.hpp"

namespace npurt_npu {

struct LayerShape {
  uint64_t length, width, heads;  // heads are 64 wide
  uint64_t rows() const { return (length + 255) / 256 * 256; }
  uint64_t key_tiles() const { return (length + 31) / 32; }
};

// Bytes from the buffer's begin on.
struct LayerPlaces {
  explicit LayerPlaces(const LayerShape& s);
  uint64_t x, n, qkv, y, sum, m, h, out, end;  // sum: x'; m: its norm
};

// A product of the layer.
struct LayerProduct {
  uint64_t k, n;
  uint64_t in, out;       // places
  bool adds = false;      // to f32 rows at `residual`, and makes such
  uint64_t residual = 0;  // place
  bool gelu = false;
};
// qkv, out, fc1, fc2.
std::array<LayerProduct, 4> layer_products(const LayerShape& s);

// Bytes of a product's weights on the device, and where its parts are: column x of the array gets its biases (f32), then its
// tiles.
struct LayerWeights {
  uint64_t k, n;
  uint64_t across() const { return n / 128; }
  uint64_t bias_bytes() const { return (across() * 128 + 4095) / 4096 * 4096; }
  uint64_t column_bytes() const { return bias_bytes() + across() * (k / 64) * 4096; }
  uint64_t bytes() const { return 4 * column_bytes(); }
  uint64_t bias(uint64_t n) const;                // in bytes
  uint64_t weight(uint64_t k, uint64_t n) const;  // in bytes
};

// One launch: its instruction stream, and modelled cycles of the busiest core. Its buffers: the layer's, the weights, the
// layer's.
struct LayerLaunch {
  std::vector<uint32_t> stream;
  uint64_t core_cycles;
};
LayerLaunch norm_launch(const Generation& g, const LayerShape& s, uint64_t in, uint64_t out);
LayerLaunch product_launch(const Generation& g, const LayerShape& s, const LayerProduct& p);
LayerLaunch attend_launch(const Generation& g, const LayerShape& s, uint64_t qkv, uint64_t out);

// Throws LimitError for a shape that the design cannot do.
void check_layer(const LayerShape& s);

CoreProgram layer_program();
// Throws LimitError where the device has fewer columns than four.
Design layer_design(const Generation& g);

// What the core's parameters are, in words.
enum LayerFunction : uint32_t { kNormFunction = 1, kProductFunction = 2, kAttendFunction = 3 };
enum LayerFlag : uint32_t { kAdds = 1, kGelu = 2 };
void start_core(Instructions& out, unsigned x, unsigned y, std::vector<uint32_t> parameters);

}  // namespace npurt_npu
