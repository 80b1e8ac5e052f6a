// Attention of 32 queries and 64 keys at a time; the host packs Q, K and V and divides by the sums.
#include <manifests.hpp>

#include "../tile.hpp"

NPURT_KERNELS {
  namespace tile = npurt_kernels::manifest_attention_bf16;
  using Tile = SoftmaxTile<tile::queries, tile::keys, tile::width, tile::values, tile::r, tile::s, tile::t>;

  void attention_bf16_begin(float* out, bfloat16* top) { Tile::begin(out, top); }
  void attention_bf16_maximum(const bfloat16* q, const bfloat16* k, bfloat16* top, unsigned valid) {
    Tile::maximum(q, k, top, valid);
  }
  void attention_bf16_add(const bfloat16* q, const bfloat16* k, const bfloat16* v, float* out, const bfloat16* top, bfloat16* p,
                          unsigned valid) {
    Tile::add(q, k, v, out, top, p, valid);
  }
}
