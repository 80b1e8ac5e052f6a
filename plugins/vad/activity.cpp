#include "stages.hpp"

namespace vad {

namespace {
std::string mode(npurt::Host host) {
  const std::string m = host.option("mode", "speech");
  if (m != "speech" && m != "fixed") throw npurt::BadConfig("option 'mode' is '" + m + "'; wanted speech or fixed");
  return m;
}
}  // namespace

void SpeechActivity::plan(npurt::Host host, npurt::Specs, npurt::Outs out) {
  mode(host);
  out[0] = npurt::Spec(NPURT_F32, {NPURT_UNKNOWN});
}

SpeechActivity::SpeechActivity(npurt::Host host) : threads_(host.threads()) {
  if (mode(host) == "speech") silero_ = std::make_unique<Silero>(host);
}

void SpeechActivity::run(npurt::Call& call) {
  if (call.end()) return;
  if (!silero_) {
    call.resize(0, {0});
    return;
  }
  if (call.index() == 0) {
    silero_->reset();
    audio_.assign(Silero::kContext, 0.0F);
  }
  const auto in = call.in(0);
  audio_.insert(audio_.end(), in.begin(), in.end());
  const int steps = static_cast<int>((audio_.size() - Silero::kContext) / Silero::kWindow);
  auto out = call.resize(0, {steps});
  if (!steps) return;
  silero_->run(audio_.data(), steps, threads_, out.data());
  audio_.erase(audio_.begin(), audio_.begin() + steps * Silero::kWindow);
}

}  // namespace vad
