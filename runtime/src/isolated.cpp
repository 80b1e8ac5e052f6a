#include "isolated.hpp"

#include <poll.h>

#include <atomic>
#include <cstdio>
#include <cstring>

namespace npurt {
namespace {

constexpr int kGlanceMs = 20;                        // so often a waiting parent looks around
constexpr uint64_t kMostGrowth = uint64_t{1} << 30;  // of the child's own memory since it was opened

// What the child needs to make the stage's host: the node as far as weights are concerned, and what is the same for all nodes.
Message introduction(const Stage& stage, const Node& node, Surroundings& around) {
  const Library& library = around.plugins->library(stage.plugin);
  Message m(Message::plan);
  m.put(library.file.string()).put(static_cast<uint32_t>(&stage - library.stages.data()));
  m.put(node.id).put(static_cast<uint32_t>(node.with.size()));
  for (const auto& [name, setting] : node.with) m.put(name).put(setting.value).put(setting.place.file);
  m.put(around.folder.string());
  return m;
}

}  // namespace

Isolated::Isolated(const Stage& stage, const Node& node, Surroundings& around, const npurt_host* host)
    : stage_(stage), node_(node), around_(around), host_(host), arena_(around.shared.share()) {
  {
    std::lock_guard lock(around.spare_mutex);
    child_ = std::move(around.spare);
  }
  if (!child_) child_ = std::make_unique<ChildProcess>(arena_);
}

// A child in which a stage only refused serves the next candidate as well.
Isolated::~Isolated() {
  if (!child_ || opened_) return;
  std::lock_guard lock(around_.spare_mutex);
  around_.spare = std::move(child_);
}

std::string Isolated::end(std::chrono::milliseconds patience) { return std::exchange(child_, nullptr)->end(patience); }

int32_t Isolated::lost(const std::string& why, int32_t code) {
  return host_->fail(host_->self, code, ("its process " + why).c_str());
}

int32_t Isolated::plan(const npurt_spec* in, uint32_t inputs, npurt_spec* out, uint32_t outputs) {
  Message m = introduction(stage_, node_, around_);
  m.put(inputs);
  for (uint32_t i = 0; i < inputs; ++i) m.put(in[i]);
  m.put(outputs);
  for (uint32_t i = 0; i < outputs; ++i) m.put(out[i]);
  return ask(m, NPURT_REFUSE, [&](Message& answer) {
    for (uint32_t i = 0; i < outputs; ++i) out[i] = answer.get<npurt_spec>();
  });
}

int32_t Isolated::open() {
  opened_ = true;
  const int32_t code = ask(Message(Message::open), NPURT_REFUSE, [](Message&) {});
  if (child_) own_at_open_ = child_->own_memory();
  return code;
}

int32_t Isolated::run(npurt_call& call) {
  Message m(Message::run);
  m.put(call.index).put(call.end).put(call.inputs);
  for (uint32_t i = 0; i < call.inputs; ++i) put_tensor(m, shared(call.in[i]), arena_.base());
  m.put(call.outputs);
  for (uint32_t i = 0; i < call.outputs; ++i) put_tensor(m, call.out[i], arena_.base());
  call_ = &call;
  const int32_t code = ask(m, NPURT_FAULT, [&](Message& answer) {
    call.emit = answer.get<uint32_t>();
    call.again = answer.get<uint32_t>();
  });
  call_ = nullptr;
  borrowed_.clear();
  return code;
}

int32_t Isolated::ask(const Message& question, int32_t if_lost, const std::function<void(Message&)>& take) {
  if (!child_) return lost("ended in an earlier call", if_lost);
  try {
    heard_ = clock::now();
    question.send(child_->socket);
    for (;;) {
      if (const std::string why = wait(); !why.empty()) {
        end({});
        return lost(why, if_lost);
      }
      Message m = Message::receive(child_->socket);
      heard_ = clock::now();
      if (m.kind != Message::done) {
        serve(m);
        continue;
      }
      const auto code = m.get<int32_t>();
      const std::string sentence = m.text();
      cpu_s_ += m.get<double>();
      take(m);
      return sentence.empty() ? code : host_->fail(host_->self, code, sentence.c_str());  // else it is kept here
    }
  } catch (const Parted&) {
    return lost(end(ChildProcess::kPatience), if_lost);
  }
}

// Until the child says something; else why it is not to be waited for.
std::string Isolated::wait() {
  for (;;) {
    std::atomic_ref(*reinterpret_cast<int*>(arena_.base())).store(around_.cancelled() ? 1 : 0);
    pollfd p{child_->socket, POLLIN, 0};
    const int ready = poll(&p, 1, kGlanceMs);
    if (const auto now = clock::now(); now - looked_ > std::chrono::milliseconds(kGlanceMs)) {
      looked_ = now;
      if (own_at_open_ && child_->own_memory() > own_at_open_ + kMostGrowth) return "has taken another GiB of memory";
    }
    if (ready > 0) return "";
    if (clock::now() - heard_ > std::chrono::duration<double>(node_.isolate_s)) {
      char text[64];
      std::snprintf(text, sizeof text, "gave no sign of life for %.3g s", node_.isolate_s);
      return text;
    }
  }
}

// `t`, or a copy of it where the child sees it.
npurt_tensor Isolated::shared(npurt_tensor t) {
  if (!t.data || arena_.offset(t.data)) return t;
  const void* from = t.data;
  t.data = borrow(t.bytes);
  std::memcpy(t.data, from, t.bytes);
  return t;
}

void* Isolated::borrow(uint64_t bytes) {
  borrowed_.push_back(around_.shared.take(bytes));
  return borrowed_.back().data();
}

}  // namespace npurt
