// What a layer of an encoder needs between its products, on the core: bias and rows instead of blocks, normalisation, and
// attention that takes K and V as rows. All of it reads and writes what the next part reads, so nothing goes through the host.
//
// Products and GELU are those of matmul/bf16 and gelu/bf16.
#include <manifests.hpp>

#include "../../attention/tile.hpp"

namespace {

namespace tile = npurt_kernels::manifest_encoder_layer_bf16;
using Tile = SoftmaxTile<tile::m, tile::keys, tile::width, tile::values, tile::r, tile::s, tile::t>;

constexpr unsigned kLanes = 16, kBlock = tile::r * tile::t;
using Lanes = aie::vector<bfloat16, kLanes>;
using Sum = aie::accum<accfloat, kLanes>;

// Four blocks of 4 x 4 side by side, as four rows of 16; or four rows of 16, as four blocks.
template <typename T>
struct Turned {
  Turned(const aie::vector<T, kLanes>& a, const aie::vector<T, kLanes>& b, const aie::vector<T, kLanes>& c,
         const aie::vector<T, kLanes>& d) {
    const auto even = aie::interleave_zip(a, c, 4), odd = aie::interleave_zip(b, d, 4);
    const auto upper = aie::interleave_zip(even.first, odd.first, 4), lower = aie::interleave_zip(even.second, odd.second, 4);
    row[0] = upper.first, row[1] = upper.second, row[2] = lower.first, row[3] = lower.second;
  }
  aie::vector<T, kLanes> row[4];
};
template <typename T>
inline Turned<T> turned(const T* p, unsigned step) {
  return {aie::load_v<kLanes>(p), aie::load_v<kLanes>(p + step), aie::load_v<kLanes>(p + 2 * step),
          aie::load_v<kLanes>(p + 3 * step)};
}

// x as the sum of two bf16, f32's first 16 bits.
struct Split {
  explicit Split(const Sum& x) : high(x.to_vector<bfloat16>()), low(aie::sub(x, Sum(high)).to_vector<bfloat16>()) {}
  Lanes high, low;
};
inline Sum product(const Split& x, const Split& y) {
  return aie::add(aie::mul(x.high, y.high), aie::add(aie::mul(x.high, y.low), aie::mul(x.low, y.high)));
}
inline Sum all(float x) { return Sum(aie::broadcast<float, kLanes>(x)); }

}  // namespace

NPURT_KERNELS {
  void encoder_layer_bf16_copy(const int32* from, int32* to, unsigned words) {
    for (unsigned i = 0; i < words; i += kLanes) aie::store_v(to + i, aie::load_v<kLanes>(from + i));
  }

  // out [m, n] in rows = C, in blocks, plus the bias of its columns.
  void encoder_layer_bf16_finish(const float* c, const float* bias, bfloat16* out) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    for (unsigned i = 0; i < tile::m; i += tile::r)
      for (unsigned j = 0; j < tile::n; j += kLanes) {
        const Turned<float> rows = turned(c + i * tile::n + j * tile::r, kBlock);
        const Sum b(aie::load_v<kLanes>(bias + j));
        for (unsigned k = 0; k < tile::r; ++k)
          aie::store_v(out + (i + k) * tile::n + j, aie::add(Sum(rows.row[k]), b).to_vector<bfloat16>());
      }
  }

  // The same as f32, half of the columns: out [m, n / 2].
  void encoder_layer_bf16_finish_f32(const float* c, const float* bias, float* out, unsigned half) {
    for (unsigned i = 0; i < tile::m; i += tile::r) {
      const Turned<float> rows = turned(c + i * tile::n + half * kLanes * tile::r, kBlock);
      const Sum b(aie::load_v<kLanes>(bias + half * kLanes));
      for (unsigned k = 0; k < tile::r; ++k)
        aie::store_v(out + (i + k) * kLanes, aie::add(Sum(rows.row[k]), b).to_vector<float>());
    }
  }

  // found[0] = mean of a row, found[1] = 1 / sqrt(variance + 1e-5); share is 1 / width.
  void encoder_layer_bf16_measure(const float* row, float* found, unsigned width, float share) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    Sum sum = all(0), squares = all(0);
    for (unsigned i = 0; i < width; i += kLanes) sum = aie::add(sum, Sum(aie::load_v<kLanes>(row + i)));
    const float mean = aie::reduce_add(sum.to_vector<float>()) * share;
    for (unsigned i = 0; i < width; i += kLanes) {
      const Split d(aie::sub(Sum(aie::load_v<kLanes>(row + i)), all(mean)));
      squares = aie::add(squares, product(d, d));
    }
    const float variance = aie::reduce_add(squares.to_vector<float>()) * share + 1e-5F, near = aie::invsqrt(variance);
    found[0] = mean;
    found[1] = near * (1.5F - 0.5F * variance * near * near);
  }

  // 128 values of a row become (x - mean) · factor.
  void encoder_layer_bf16_normalise(const float* x, const float* found, bfloat16* out) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    const Sum mean = all(found[0]);
    const Split factor(all(found[1]));
    for (unsigned i = 0; i < 128; i += kLanes)
      aie::store_v(out + i, product(Split(aie::sub(Sum(aie::load_v<kLanes>(x + i)), mean)), factor).to_vector<bfloat16>());
  }

  // No sums yet; beside V stand a column of ones, four times, and four of zeros.
  void encoder_layer_bf16_begin(float* sums, bfloat16* top, bfloat16* v) {
    Tile::begin(sums, top);
    const Lanes beside[2] = {aie::broadcast<bfloat16, kLanes>(bfloat16(1.0F)), aie::zeros<bfloat16, kLanes>()};
    for (unsigned i = 0; i < tile::keys / tile::s; ++i)
      for (unsigned j = 0; j < 4; ++j)
        aie::store_v(v + ((i + 1) * tile::values - 2 * tile::t) * tile::s + j * kLanes, beside[j / 2]);
  }

  // K as rows [keys, width] becomes its transpose in blocks.
  void encoder_layer_bf16_keys(const bfloat16* rows, bfloat16* k) {
    constexpr unsigned kAcross = tile::keys * tile::s;  // from one row of blocks to the next
    for (unsigned key = 0; key < tile::keys; key += tile::t)
      for (unsigned d = 0; d < tile::width; d += kLanes) {
        const bfloat16* from = rows + key * tile::width + d;
        const auto even = aie::interleave_zip(aie::load_v<kLanes>(from), aie::load_v<kLanes>(from + 2 * tile::width), 1);
        const auto odd =
            aie::interleave_zip(aie::load_v<kLanes>(from + tile::width), aie::load_v<kLanes>(from + 3 * tile::width), 1);
        const auto upper = aie::interleave_zip(even.first, odd.first, 1), lower = aie::interleave_zip(even.second, odd.second, 1);
        bfloat16* to = k + d / tile::s * kAcross + key * tile::s;
        aie::store_v(to, upper.first);
        aie::store_v(to + kLanes, upper.second);
        aie::store_v(to + kAcross, lower.first);
        aie::store_v(to + kAcross + kLanes, lower.second);
      }
  }

  // V as rows [keys, width] in blocks, beside which `begin` has put its columns.
  void encoder_layer_bf16_values(const bfloat16* rows, bfloat16* v) {
    for (unsigned key = 0; key < tile::keys; key += 4)
      for (unsigned d = 0; d < tile::width; d += kLanes) {
        const Turned<bfloat16> blocks = turned(rows + key * tile::width + d, tile::width);
        for (unsigned i = 0; i < 4; ++i)
          aie::store_v(
              v + key / tile::s * tile::s * tile::values + (d / tile::t + i) * tile::s * tile::t + key % tile::s * tile::t,
              blocks.row[i]);
      }
  }

  void encoder_layer_bf16_maximum(const bfloat16* q, const bfloat16* k, bfloat16* top, unsigned valid) {
    Tile::maximum(q, k, top, valid);
  }
  void encoder_layer_bf16_add(const bfloat16* q, const bfloat16* k, const bfloat16* v, float* sums, const bfloat16* top,
                              bfloat16* p, unsigned valid) {
    Tile::add(q, k, v, sums, top, p, valid);
  }

  // Half of the queries, in rows [m / 2, width]: their sums by what stands beside them.
  void encoder_layer_bf16_divide(const float* sums, bfloat16* out, unsigned half) {
    aie::set_rounding(aie::rounding_mode::conv_even);
    for (unsigned i = 0; i < tile::m / 2; i += tile::r) {
      const float* row = sums + (half * tile::m / 2 + i) * tile::values;
      aie::vector<float, kLanes> share = aie::load_v<kLanes>(row + tile::width * tile::r);
      for (unsigned j = 0; j < kLanes; j += tile::t) {
        // 1 / sum: the square of its inverse root, and one of Newton's steps.
        const float sum = share.get(j), root = aie::invsqrt(sum), near = root * root, one = near * (2.0F - sum * near);
        for (unsigned k = 0; k < tile::t; ++k) share.set(one, j + k);
      }
      const Split factor{Sum(share)};
      for (unsigned j = 0; j < tile::width; j += kLanes) {
        Lanes y[4];
        for (unsigned k = 0; k < 4; ++k)
          y[k] = product(Split(Sum(aie::load_v<kLanes>(row + (j + 4 * k) * tile::r))), factor).to_vector<bfloat16>();
        const Turned<bfloat16> rows(y[0], y[1], y[2], y[3]);
        for (unsigned k = 0; k < 4; ++k) aie::store_v(out + (i + k) * tile::width + j, rows.row[k]);
      }
    }
  }
}
