#include "host.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "inner.hpp"
#include "signature.hpp"

namespace npurt {
namespace {

spdlog::logger& logger() {
  static auto l = [] {
    auto made = std::make_shared<spdlog::logger>("npurt", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("npurt: %l: %v");
    made->set_level(spdlog::level::warn);
    return made;
  }();
  return *l;
}

// `text` with $name and ${name} replaced; nothing if a value is not known (yet).
std::optional<std::string> fill(const std::string& text, const std::map<std::string, std::string>& values) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      out += text[i++];
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    const size_t begin = i + (braces ? 2 : 1);
    size_t end = begin;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    if (end == begin || (braces && (end == text.size() || text[end] != '}'))) {
      out += text[i++];
      continue;
    }
    auto it = values.find(text.substr(begin, end - begin));
    if (it == values.end()) return {};
    out += it->second;
    i = end + (braces ? 1 : 0);
  }
  return out;
}

}  // namespace

void set_log_level(const std::string& level) {
  logger().set_level(level == "off" ? spdlog::level::off : spdlog::level::from_str(level == "error" ? "err" : level));
}

void log_line(npurt_level level, const std::string& node, const std::string& text) {
  constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                  spdlog::level::err};
  logger().log(levels[level], "{}: {}", node, text);
}

NodeHost::NodeHost(const Node& node, Surroundings& around, Pool& pool)
    : node_(node), around_(around), pool_(pool), threads_(std::to_string(around.threads)) {
  face_.size = sizeof face_;
  face_.self = this;
  face_.log = [](void* p, int32_t level, const char* text) { self(p).log(level, text); };
  face_.fail = [](void* p, int32_t code, const char* text) { return self(p).fail(code, text ? text : ""); };
  face_.option = [](void* p, const char* name) { return self(p).option(name); };
  face_.weight = [](void* p, const char* name, uint32_t dtype, npurt_tensor* out) { return self(p).weight(name, dtype, *out); };
  face_.meta = [](void* p, const char* name) { return self(p).meta(name); };
  face_.scratch = [](void* p, uint64_t bytes) { return self(p).scratch(bytes); };
  face_.resize = [](void* p, uint32_t port, const npurt_spec* spec) { return self(p).resize(port, *spec); };
  face_.cancelled = [](void* p) -> int32_t { return self(p).around_.cancelled() ? 1 : 0; };
  face_.progress = [](void* p, double done, double total) {
    if (self(p).around_.progress) self(p).around_.progress(self(p).node_.id, done, total);
  };
  face_.inner = [](void* p, const char* name, const npurt_spec* in, uint32_t inputs, const npurt_inner** out) {
    return self(p).plan_inner(name, in, inputs, *out);
  };
  face_.device_time = [](void* p, double seconds, int32_t modelled) {
    self(p).add_work({seconds, modelled != 0, 0, 0, 0, 0, ""});
  };
  face_.device_work = [](void* p, const npurt_device_work* w) {
    self(p).add_work({0, false, w->launches, w->read, w->written, w->converted, w->conversions ? w->conversions : ""});
  };
}

NodeHost::~NodeHost() = default;

void NodeHost::log(int32_t level, const char* text) {
  constexpr const char* names[] = {"debug", "info", "warn", "error"};
  const auto known = static_cast<npurt_level>(std::clamp<int32_t>(level, NPURT_DEBUG, NPURT_ERROR));
  log_line(known, node_.id, text);
  if (around_.trace) around_.trace->moment(text, "log", {{"node", node_.id}, {"level", names[known]}});
}

std::pair<npurt_code, std::string> NodeHost::verdict(int32_t code) {
  std::string said = std::exchange(sentence_, "");
  const std::string model = std::exchange(model_error_, "");
  if (code == NPURT_OK) return {NPURT_OK, ""};
  if (!model.empty()) return {NPURT_BAD_CONFIG, model};
  if (said.empty()) said = "gave no reason";
  if (code < NPURT_OK || code > NPURT_CANCELLED) return {NPURT_BUG, "returned the unknown code " + std::to_string(code)};
  return {static_cast<npurt_code>(code), said};
}

int32_t NodeHost::fail(int32_t code, std::string sentence) {
  sentence_ = std::move(sentence);
  return code;
}

const char* NodeHost::option(const std::string& name) {
  auto it = node_.with.find(name);
  if (it == node_.with.end()) {
    auto common = around_.options.options.find(name);
    if (common != around_.options.options.end()) return common->second.c_str();
    return name == "threads" ? threads_.c_str() : nullptr;
  }
  if (it->second.value.find('$') == std::string::npos) return it->second.value.c_str();
  auto text = fill(it->second.value, around_.values);
  return text ? texts_.insert(*text).first->c_str() : nullptr;
}

std::filesystem::path NodeHost::model_path() {
  auto it = node_.with.find("model");
  if (it == node_.with.end()) throw Error(Exit::input, "option 'model' is missing");
  // Beside the text that names the model, then beside the outermost graph.
  const auto beside = std::filesystem::path(it->second.place.file).parent_path();
  ModelFinding found = find_model(it->second.value, beside);
  if (found.path.empty() && beside != around_.folder) {
    ModelFinding more = find_model(it->second.value, around_.folder);
    found.path = more.path;
    for (const std::string& s : more.looked_in)
      if (std::find(found.looked_in.begin(), found.looked_in.end(), s) == found.looked_in.end()) found.looked_in.push_back(s);
  }
  if (!found.path.empty()) return found.path;
  std::string text = "model '" + it->second.value + "' is not found; looked for";
  for (size_t i = 0; i < found.looked_in.size(); ++i) text += (i ? ", " : " ") + found.looked_in[i];
  throw Error(Exit::input, text);
}

Weights& NodeHost::weights() {
  if (!weights_) weights_ = Weights::shared(model_path());
  return *weights_;
}

int32_t NodeHost::weight(const std::string& name, uint32_t dtype, npurt_tensor& out) {
  try {
    if (weights().tensor(name, dtype, out)) return NPURT_OK;
    return fail(NPURT_REFUSE, "model " + model_path().string() + " has no tensor '" + name + "'");
  } catch (const std::bad_alloc&) {
    return fail(NPURT_FAULT, "out of memory for tensor '" + name + "'");
  } catch (const std::exception& e) {
    model_error_ = e.what();
    return fail(NPURT_BAD_CONFIG, e.what());
  }
}

const char* NodeHost::meta(const std::string& name) {
  if (name != "config" || !node_.with.contains("model")) return nullptr;
  try {
    return weights().config().c_str();
  } catch (const std::exception& e) {
    model_error_ = e.what();
    return nullptr;
  }
}

void* NodeHost::scratch(uint64_t bytes) {
  try {
    if (!scratch_.data() || scratch_.capacity() < bytes) {
      scratch_ = {};
      scratch_ = around_.pool.take(bytes);
    }
    return scratch_.data();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void NodeHost::prepare(Outputs& out, const std::vector<npurt_spec>& planned) {
  out.views.resize(planned.size());
  out.memory.resize(planned.size());
  planned_ = &planned;
  out_ = &out;
  for (size_t i = 0; i < planned.size(); ++i) {
    out.views[i] = blank_tensor();
    out.views[i].spec = planned[i];
    const auto bytes = spec_bytes(planned[i]);
    if (!bytes) continue;
    if (!out.memory[i].data() || out.memory[i].capacity() < *bytes) out.memory[i] = pool_.take(*bytes);
    out.views[i].data = out.memory[i].data();
    out.views[i].bytes = *bytes;
  }
}

int32_t NodeHost::resize(uint32_t port, const npurt_spec& spec) {
  if (!out_ || port >= out_->views.size()) return fail(NPURT_BUG, "resized an output that it does not have");
  const npurt_spec& planned = (*planned_)[port];
  bool fits = spec.dtype == planned.dtype && spec.rank == planned.rank;
  for (uint32_t i = 0; fits && i < spec.rank; ++i)
    fits = spec.dims[i] >= 0 && (planned.dims[i] < 0 || spec.dims[i] == planned.dims[i]);
  const auto bytes = spec_bytes(spec);
  if (!fits || !bytes)
    return fail(NPURT_BUG, "resized output " + std::to_string(port) + " to " + spec_text(spec) + "; it was planned as " +
                               spec_text(planned));
  try {
    Memory& m = out_->memory[port];
    if (!m.data() || m.capacity() < *bytes) m = pool_.take(*bytes);
    npurt_tensor& t = out_->views[port];
    t.spec = spec;
    t.data = m.data();
    t.bytes = *bytes;
    return NPURT_OK;
  } catch (const std::bad_alloc&) {
    return fail(NPURT_FAULT, "out of memory for " + std::to_string(*bytes) + " bytes of output");
  }
}

}  // namespace npurt
