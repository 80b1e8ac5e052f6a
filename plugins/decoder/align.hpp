// When each token was said, from where the decoder's cross-attention goes (openai/whisper timing.py).
#pragma once

#include <cstdint>
#include <vector>

namespace decoder {

// `heard` is f32[tokens, heads, context]: what each head attends to as it takes in each token, up to a factor; only the first
// `frames` of a context hold audio. The weights of a head are normalised over time, then over tokens; their median over 0.14 s,
// averaged over the heads, is what dynamic time warping (Sakoe and Chiba 1978) aligns from token `first` on.
// Returns, for tokens first, first + 1, …, the frame in which the token after it begins.
std::vector<int> align(const std::vector<float>& heard, int64_t tokens, int64_t heads, int64_t context, int64_t frames,
                       int64_t first);

// Of a cost f32[rows, columns], the column in which each row of the cheapest path from corner to corner begins; each step goes
// on by a row, a column, or both.
std::vector<int> warp(const std::vector<float>& cost, int64_t rows, int64_t columns);

}  // namespace decoder
