#include <algorithm>
#include <nlohmann/json.hpp>

#include "stages.hpp"

namespace vad {

namespace {

constexpr int64_t kWindow = 30 * kRate;

bool is_fixed(npurt::Host host) {
  const std::string m = host.option("mode", "speech");
  if (m != "speech" && m != "fixed") throw npurt::BadConfig("option 'mode' is '" + m + "'; wanted speech or fixed");
  return m == "fixed";
}

int64_t samples(npurt::Host host, const char* name, int64_t otherwise, double low, double high) {
  return static_cast<int64_t>(host.number(name, static_cast<double>(otherwise) / kRate, low, high) * kRate);
}

Rules read_rules(npurt::Host host) {
  Rules r;
  r.on = static_cast<float>(host.number("threshold", r.on, 0.01, 0.99));
  r.off = std::max(r.on - 0.15F, 0.01F);
  r.silence = samples(host, "silence", r.silence, 0.05, 5);
  r.least = samples(host, "least", r.least, 0, 5);
  r.pad = std::min(r.silence / 2, samples(host, "pad", r.pad, 0, 2));
  r.margin = samples(host, "margin", r.margin, 0, 1);
  r.gap = samples(host, "gap", r.gap, 0.1, 30);
  r.most = samples(host, "max", r.most, 5, 30);
  return r;
}

}  // namespace

void SpeechWindows::plan(npurt::Host host, npurt::Specs, npurt::Outs out) {
  is_fixed(host);
  read_rules(host);
  out[0] = npurt::Spec(NPURT_F32, {kWindow});
  out[1] = npurt::Spec(NPURT_JSON, {NPURT_UNKNOWN});
}

SpeechWindows::SpeechWindows(npurt::Host host) : fixed_(is_fixed(host)), rules_(read_rules(host)), packer_(rules_) {}

void SpeechWindows::cut_fixed(bool end) {
  while (total_ - cut_ >= kWindow || (end && cut_ < total_)) {
    const Span s{cut_, std::min(total_, cut_ + kWindow)};
    ready_.push_back({s, {s}});
    cut_ = s.end;
  }
}

void SpeechWindows::emit(npurt::Call& call, const Span& s) {
  auto out = call.out(0);
  const auto from = audio_.begin() + (s.begin - first_);
  const auto rest = std::copy_n(from, std::min<int64_t>(s.length(), kWindow), out.begin());
  std::fill(rest, out.end(), 0.0F);
}

void SpeechWindows::run(npurt::Call& call) {
  if (!again_) {
    if (call.index() == 0) {
      packer_.reset();
      audio_.clear();
      ready_.clear();
      first_ = total_ = cut_ = 0;
      id_ = 0;
    }
    const auto in = call.in(0);
    audio_.insert(audio_.end(), in.begin(), in.end());
    total_ += static_cast<int64_t>(in.size());
    if (fixed_) {
      cut_fixed(call.end());
    } else {
      if (!call.end() && !call.has(1)) throw npurt::BadConfig("mode speech wants input 'speech' to be connected");
      packer_.push(call.in(1), ready_);
      if (call.end()) packer_.finish(total_, ready_);
    }
  }
  again_ = false;
  if (ready_.empty()) {
    call.skip();
  } else {
    const Window w = std::move(ready_.front());
    ready_.pop_front();
    emit(call, w.span);
    const auto seconds = [](int64_t n) { return static_cast<double>(n) / kRate; };
    nlohmann::json at = {
        {"id", id_++}, {"start", seconds(w.span.begin)}, {"samples", w.span.length()}, {"regions", nlohmann::json::array()}};
    for (const Span& r : w.regions) at["regions"].push_back({seconds(r.begin), seconds(r.end)});
    call.put_text(1, at.dump());
    again_ = !ready_.empty();
    if (again_) call.again();
  }
  const int64_t needed = std::min(ready_.empty() ? total_ : ready_.front().span.begin, fixed_ ? cut_ : packer_.needed());
  if (const int64_t drop = std::min(needed, total_) - first_; drop > 0) {
    audio_.erase(audio_.begin(), audio_.begin() + drop);
    first_ += drop;
  }
}

}  // namespace vad
