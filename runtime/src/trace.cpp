// Chrome's "Trace Event Format", as chrome://tracing and ui.perfetto.dev read it: M names, X slices, i moments, C counters, b and
// e the two ends of what is no thread's.
#include "trace.hpp"

#include <unistd.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "wire.hpp"

namespace npurt {
namespace {

using Json = nlohmann::json;

// The numbers at the top of a JSON packet tell where in the audio it is; its texts are nobody's business.
Json numbers(const npurt_tensor& t) {
  Json out = Json::object();
  if (t.spec.dtype != NPURT_JSON || !t.data) return out;
  const auto* text = static_cast<const char*>(t.data);
  const Json all = Json::parse(text, text + t.spec.dims[0], nullptr, false);
  if (all.is_object())
    for (const auto& [key, value] : all.items())
      if (value.is_number()) out[key] = value;
  return out;
}

std::string text(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

const char* outcome(int32_t code) {
  constexpr const char* names[] = {"ok", "refused", "bad config", "fault", "bug", "cancelled"};
  return code >= NPURT_OK && code <= NPURT_CANCELLED ? names[code] : "unknown code";
}

}  // namespace

// Microseconds since the trace began, in whole nanoseconds.
double Trace::Body::since_start(clock::time_point t) const {
  return std::round(std::chrono::duration<double, std::nano>(t - start_).count()) / 1e3;
}

void Trace::Body::begin_run(const std::string& graph, const std::string& input) {
  std::lock_guard lock(mutex_);
  ++run_;
  events_.push_back({'M', run_, 0, 0, 0, "process_name", "", text({{"name", graph + (input.empty() ? "" : " " + input)}})});
}

void Trace::Body::add(Event e) {
  e.thread = static_cast<int>(gettid());
  std::lock_guard lock(mutex_);
  e.run = run_;
  events_.push_back(std::move(e));
}

void Trace::Body::lane(const std::string& device) {
  add({'M', 0, 0, 0, 0, "thread_name", "", text({{"name", "lane " + device}})});
}

void Trace::Body::call(const PlanNode& p, clock::time_point begin, clock::time_point ended, const npurt_call& c, int32_t code,
                       double cpu_s) {
  const double at = since_start(begin), end = since_start(ended);
  Json args = {
      {"op", p.op.op}, {"use", p.placement.use}, {"device", p.placement.device}, {"packet", c.index}, {"cpu_ms", 1e3 * cpu_s}};
  if (c.end) args["end"] = true;
  if (code != NPURT_OK) args["came_to"] = outcome(code);
  else if (c.emit)
    for (size_t i = 0; i < p.op.out.size(); ++i)
      if (Json n = numbers(c.out[i]); !n.empty()) args[p.op.out[i].name] = std::move(n);
  add({'X', 0, 0, at, end - at, p.text.id, "node", text(args)});
}

void Trace::Body::queue(const std::string& port, size_t packets) {
  add({'C', 0, 0, since_start(clock::now()), 0, "queue " + port, "queue", text({{"packets", packets}})});
}

void Trace::Body::cut(const std::string& maker, int sequence, int64_t index) {
  const double now = since_start(clock::now());
  std::lock_guard lock(mutex_);
  passages_[{run_, sequence, index}] = {maker, run_, index, now, now};
}

void Trace::Body::passed(int sequence, int64_t index) {
  const double now = since_start(clock::now());
  std::lock_guard lock(mutex_);
  if (auto it = passages_.find({run_, sequence, index}); it != passages_.end()) it->second.end = now;
}

void Trace::Body::moment(const std::string& name, const char* category,
                         const std::vector<std::pair<std::string, std::string>>& args) {
  Json all = Json::object();
  for (const auto& [key, value] : args) all[key] = value;
  add({'i', 0, 0, since_start(clock::now()), 0, name, category, text(all)});
}

std::string Trace::Body::document() {
  std::lock_guard lock(mutex_);
  std::string lines;
  const auto line = [&](Json j, const std::string& args) {
    std::string head = text(j);
    head.pop_back();
    lines += (lines.empty() ? "" : ",\n") + head + ",\"args\":" + args + "}";
  };
  for (const Event& e : events_) {
    Json j = {{"ph", std::string(1, e.phase)}, {"pid", e.run}, {"tid", e.thread}, {"ts", e.at}, {"name", e.name}};
    if (*e.category) j["cat"] = e.category;
    if (e.phase == 'X') j["dur"] = std::round(1e3 * e.lasted) / 1e3;
    if (e.phase == 'i') j["s"] = "t";
    line(std::move(j), e.args);
  }
  int id = 0;
  for (const auto& [key, p] : passages_) {
    char name[16];
    std::snprintf(name, sizeof name, "0x%x", ++id);
    Json j = {{"ph", "b"}, {"pid", p.run}, {"tid", 0}, {"ts", p.begin}, {"name", p.maker}, {"cat", "packet"}, {"id", name}};
    line(j, text({{"packet", p.index}}));
    j["ph"] = "e";
    j["ts"] = p.end;
    line(std::move(j), "{}");
  }
  return "{\"displayTimeUnit\":\"ms\",\"otherData\":" + text({{"npurt", version()}}) + ",\"traceEvents\":[\n" + lines + "\n]}\n";
}

Trace::Trace() : body_(std::make_unique<Body>()) {}
Trace::~Trace() = default;
std::string Trace::json() const { return body_->document(); }

}  // namespace npurt
