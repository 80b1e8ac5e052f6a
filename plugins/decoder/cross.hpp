// The graph of option `cross`, which makes a window's cross-attention keys and values of its encoding. It is called for so many
// rows at a time that what it makes, in f32, stays in the processor's cache until it is packed.
#pragma once

#include "cache.hpp"

namespace decoder {

class CrossGraph {
 public:
  // `encoder` is f32[audio_ctx, state].
  CrossGraph(npurt::Host host, npurt_spec encoder, const Facts& facts);
  // Of the call's input 0. Throws BadConfig where the graph gives another shape.
  void fill(const npurt::Call& call, CrossCache& cache) const;

 private:
  int rows_, part_, width_, made_;  // rows in all and at a time; values of a row, and of one that is made
  const npurt_inner* graph_;
};

}  // namespace decoder
