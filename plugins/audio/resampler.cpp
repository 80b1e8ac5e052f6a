#include "resampler.hpp"

#include <soxr.h>

#include <cmath>
#include <npurt/plugin.hpp>

namespace audio {

Resampler::Resampler(double from, double to) : ratio_(to / from) {
  if (from == to) return;
  soxr_error_t error = nullptr;
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  soxr_ = soxr_create(from, to, 1, &error, &io, &quality, nullptr);
  if (!soxr_)
    throw npurt::BadConfig("cannot resample from " + std::to_string(from) + " Hz: " + (error ? error : "soxr gives no reason"));
}

Resampler::~Resampler() {
  if (soxr_) soxr_delete(soxr_);
}

void Resampler::push(const std::vector<float>& in, std::vector<float>& out) {
  if (!soxr_) {
    out.insert(out.end(), in.begin(), in.end());
    return;
  }
  const bool last = in.empty();
  size_t used = 0;
  for (;;) {
    const size_t room = static_cast<size_t>(std::ceil(static_cast<double>(in.size() - used) * ratio_)) + 4096,
                 before = out.size();
    out.resize(before + room);
    size_t taken = 0, made = 0;
    const soxr_error_t error =
        soxr_process(soxr_, last ? nullptr : in.data() + used, in.size() - used, &taken, out.data() + before, room, &made);
    out.resize(before + made);
    if (error) throw npurt::Fault(std::string("soxr: ") + error);
    used += taken;
    if (made < room && (last || used == in.size())) return;
  }
}

}  // namespace audio
