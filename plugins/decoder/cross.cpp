#include "cross.hpp"

namespace decoder {
namespace {

int part_of(int rows) {
  constexpr int kMost = 320;
  for (int part = kMost; part > 1; --part)
    if (rows % part == 0) return part;
  return rows;
}

npurt_spec with_rows(npurt_spec spec, int rows) {
  spec.dims[0] = rows;
  return spec;
}

}  // namespace

CrossGraph::CrossGraph(npurt::Host host, npurt_spec encoder, const Facts& f)
    : rows_(f.audio_ctx), part_(part_of(f.audio_ctx)), width_(f.state), made_(2 * f.layers * f.state) {
  const npurt_spec in = with_rows(encoder, part_);
  graph_ = host.inner("cross", {&in, 1});
}

void CrossGraph::fill(const npurt::Call& call, CrossCache& cache) const {
  const auto values = static_cast<size_t>(part_) * static_cast<size_t>(width_);
  for (int first = 0; first < rows_; first += part_) {
    const auto part = call.in(0).subspan(static_cast<size_t>(first) * static_cast<size_t>(width_), values);
    npurt_tensor in = npurt::Host::blank(), out = npurt::Host::blank();
    in.spec = with_rows(call.in_spec(0), part_);
    in.data = const_cast<float*>(part.data());
    in.bytes = part.size_bytes();
    npurt::run_inner(graph_, {&in, 1}, {&out, 1});
    if (npurt::Spec(out.spec).count() != static_cast<int64_t>(part_) * made_)
      throw npurt::BadConfig("the graph of option 'cross' gives the wrong shape");
    cache.fill(static_cast<const float*>(out.data), first, part_, call.host().threads());
  }
}

}  // namespace decoder
