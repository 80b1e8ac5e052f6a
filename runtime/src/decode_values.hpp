// Stored values to f32, and f32 rows to int8.
#pragma once

#include "model_file.hpp"

namespace npurt {

// All values of `t` as f32. i8 needs `scale` with one value per row (dims[0]), or null for none. Blocks as in ggml's quants:
// q4_0 d*(q-8), q5_0 d*(q-16), q5_1 d*q+m, q8_0 d*q, with d and m f16.
void decode_f32(const Stored& t, const float* scale, float* out);

// Symmetric per row: scale = max|row| / 127, values rounded to nearest even.
void quantise_rows(const float* in, int64_t rows, int64_t cols, int8_t* out, float* scale);

float half_to_float(uint16_t h);

}  // namespace npurt
