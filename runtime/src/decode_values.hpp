// Stored values to f32, and rows of them to int8.
#pragma once

#include "model_file.hpp"

namespace npurt {

// All values of `t` as f32. i8 needs `scale` with one value per row (dims[0]), or null for none. Blocks as in ggml's quants:
// q4_0 d*(q-8), q5_0 d*(q-16), q5_1 d*q+m, q8_0 d*q, with d and m f16.
void decode_f32(const Stored& t, const float* scale, float* out);

// To int8, symmetric per row: scale = max|row| / 127, values rounded to nearest even. Not from i8. Large ones by all processors.
void quantise_stored(const Stored& t, int64_t rows, int64_t cols, int8_t* out, float* scale);

float half_to_float(uint16_t h);

}  // namespace npurt
