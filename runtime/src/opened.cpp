#include "opened.hpp"

namespace npurt {

void Opened::choose(const Stage& s, const Node& node, Surroundings& around, const npurt_host* host) {
  close();
  stage = &s;
  host_ = host;
  if (node.isolate_s > 0 && !s.plugin.empty()) isolated_ = std::make_unique<Isolated>(s, node, around, host);
}

int32_t Opened::plan(const npurt_spec* in, uint32_t inputs, npurt_spec* out, uint32_t outputs) {
  return isolated_ ? isolated_->plan(in, inputs, out, outputs) : stage->face->plan(host_, in, inputs, out, outputs);
}

int32_t Opened::open(const npurt_spec* in, uint32_t inputs) {
  return isolated_ ? isolated_->open() : stage->face->open(host_, in, inputs, &object_);
}

int32_t Opened::run(npurt_call& call) { return isolated_ ? isolated_->run(call) : stage->face->run(object_, &call); }

void Opened::close() {
  isolated_.reset();
  if (object_) stage->face->close(object_);
  object_ = nullptr;
}

}  // namespace npurt
