// Runs one stage of a plugin without a graph: for unit tests of plugins and for the conformance kit.
#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <npurt/plugin.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace npurt_test {

// A tensor that owns its memory.
struct Tensor {
  npurt::Spec spec;
  std::vector<uint8_t> bytes;

  template <typename T>
  static Tensor of(const std::vector<T>& v, std::initializer_list<int64_t> dims) {
    Tensor t{npurt::Spec(npurt::dtype_of<T>(), dims), std::vector<uint8_t>(v.size() * sizeof(T))};
    if (!v.empty()) std::memcpy(t.bytes.data(), v.data(), t.bytes.size());
    return t;
  }
  static Tensor json(const std::string& s) { return of<char>({s.begin(), s.end()}, {static_cast<int64_t>(s.size())}); }
  template <typename T>
  std::vector<T> as() const {
    std::vector<T> v(bytes.size() / sizeof(T));
    if (!v.empty()) std::memcpy(v.data(), bytes.data(), v.size() * sizeof(T));
    return v;
  }
  std::string text() const { return {bytes.begin(), bytes.end()}; }
};

// What a stage said when it stopped.
struct Stopped : std::runtime_error {
  Stopped(int32_t c, const std::string& s) : std::runtime_error(s), code(c) {}
  int32_t code;
};

// One opened stage. Options and weights are given first; then open(), then run() per packet.
class Stage {
 public:
  using WeightSource = std::function<int32_t(const std::string&, uint32_t, npurt_tensor&)>;

  Stage(const npurt_plugin& plugin, const std::string& op, const std::string& kernel = "") {
    for (uint32_t i = 0; i < plugin.count; ++i)
      if (op == plugin.stages[i]->op && (kernel.empty() || kernel == plugin.stages[i]->kernel)) {
        stage_ = plugin.stages[i];
        break;
      }
    if (!stage_) throw std::runtime_error("no stage " + op + ":" + kernel);
    host_.size = sizeof host_;
    host_.self = this;
    host_.log = [](void* s, int32_t, const char* text) { self(s).logged.push_back(text); };
    host_.fail = [](void* s, int32_t code, const char* text) {
      self(s).sentence_ = text;
      return code;
    };
    host_.option = [](void* s, const char* name) -> const char* {
      auto it = self(s).options.find(name);
      return it == self(s).options.end() ? nullptr : it->second.c_str();
    };
    host_.weight = [](void* s, const char* name, uint32_t dtype, npurt_tensor* out) -> int32_t {
      if (!self(s).weights) return self(s).host_.fail(s, NPURT_REFUSE, "no weights");
      int32_t code = self(s).weights(name, dtype, *out);
      return code ? self(s).host_.fail(s, code, (std::string("no tensor ") + name).c_str()) : NPURT_OK;
    };
    host_.meta = [](void* s, const char* name) -> const char* {
      return std::string(name) == "config" ? self(s).config.c_str() : nullptr;
    };
    host_.scratch = [](void* s, uint64_t n) -> void* {
      self(s).scratch_.reset(static_cast<uint8_t*>(std::aligned_alloc(64, (n + 63) / 64 * 64)));
      return self(s).scratch_.get();
    };
    host_.resize = [](void* s, uint32_t port, const npurt_spec* spec) -> int32_t {
      self(s).shape(port, *spec);
      return NPURT_OK;
    };
    host_.cancelled = [](void* s) -> int32_t { return self(s).cancel; };
    host_.progress = [](void* s, double done, double) { self(s).progress = done; };
    host_.inner = [](void* s, const char* name, const npurt_spec*, uint32_t, const npurt_inner** out) -> int32_t {
      auto it = self(s).inners.find(name);
      if (it == self(s).inners.end()) return self(s).host_.fail(s, NPURT_REFUSE, "no inner graph");
      *out = &it->second;
      return NPURT_OK;
    };
  }
  ~Stage() {
    if (object_) stage_->close(object_);
  }
  Stage(const Stage&) = delete;

  std::vector<npurt::Spec> plan(const std::vector<npurt::Spec>& in, size_t outputs) {
    std::vector<npurt_spec> i(in.begin(), in.end()), o(outputs, npurt::Spec());
    check(stage_->plan(&host_, i.data(), i.size(), o.data(), o.size()));
    planned_.assign(o.begin(), o.end());
    return planned_;
  }
  void open(const std::vector<npurt::Spec>& in, size_t outputs) {
    if (object_) stage_->close(std::exchange(object_, nullptr));
    plan(in, outputs);
    std::vector<npurt_spec> i(in.begin(), in.end());
    check(stage_->open(&host_, i.data(), i.size(), &object_));
    out_.assign(outputs, npurt::Host::blank());
    memory_.resize(outputs);
  }
  // One call; `end` gives no input. Returns the outputs; emitted() and wants_again() tell the rest.
  std::vector<Tensor> run(const std::vector<Tensor>& in, bool end = false, size_t inputs = 0) {
    std::vector<npurt_tensor> t(std::max(in.size(), inputs), npurt::Host::blank());
    for (size_t k = 0; k < in.size(); ++k) {
      t[k].spec = in[k].spec;
      t[k].bytes = in[k].bytes.size();
      t[k].data =
          end ? nullptr : const_cast<uint8_t*>(in[k].bytes.empty() ? reinterpret_cast<const uint8_t*>("") : in[k].bytes.data());
      t[k].index = index_;
    }
    for (size_t k = 0; k < planned_.size(); ++k)
      if (planned_[k].count() >= 0) shape(static_cast<uint32_t>(k), planned_[k]);
    npurt_call call{sizeof(npurt_call),
                    static_cast<uint32_t>(t.size()),
                    static_cast<uint32_t>(out_.size()),
                    end ? 1U : 0U,
                    t.data(),
                    out_.data(),
                    index_,
                    &host_,
                    1,
                    0};
    if (around_run) around_run(true);
    const int32_t code = stage_->run(object_, &call);
    if (around_run) around_run(false);
    check(code);
    emitted_ = call.emit;
    again_ = call.again;
    if (!again_ || t.empty()) ++index_;  // a source's calls are counted
    std::vector<Tensor> out;
    for (auto& o : out_) {
      auto* p = static_cast<uint8_t*>(o.data);
      out.push_back({npurt::Spec(o.spec), p ? std::vector<uint8_t>(p, p + o.bytes) : std::vector<uint8_t>()});
    }
    return out;
  }
  bool emitted() const { return emitted_; }
  bool wants_again() const { return again_; }

  std::map<std::string, std::string> options;
  WeightSource weights;
  std::string config;
  std::map<std::string, npurt_inner> inners;
  int cancel = 0;
  double progress = 0;
  std::vector<std::string> logged;
  std::function<void(bool)> around_run;  // true before the plugin's code, false after it

 private:
  static Stage& self(void* s) { return *static_cast<Stage*>(s); }
  void check(int32_t code) {
    if (code != NPURT_OK) throw Stopped(code, sentence_);
  }
  void shape(uint32_t port, const npurt_spec& s) {
    static const uint64_t bytes[] = {0, 4, 2, 2, 1, 1, 4, 8, 1};
    out_[port].spec = s;
    out_[port].bytes = static_cast<uint64_t>(npurt::Spec(s).count()) * bytes[s.dtype];
    memory_[port].reset(static_cast<uint8_t*>(std::aligned_alloc(64, (out_[port].bytes + 64) / 64 * 64)));
    out_[port].data = memory_[port].get();
  }
  struct Free {
    void operator()(uint8_t* p) const { std::free(p); }
  };
  const npurt_stage* stage_ = nullptr;
  npurt_host host_{};
  void* object_ = nullptr;
  std::string sentence_;
  std::vector<npurt::Spec> planned_;
  std::vector<npurt_tensor> out_;
  std::vector<std::unique_ptr<uint8_t, Free>> memory_;
  std::unique_ptr<uint8_t, Free> scratch_;
  int64_t index_ = 0;
  bool emitted_ = true, again_ = false;
};

// The plugin object of a library; throws with dlerror's text.
inline const npurt_plugin& load(const std::string& file) {
  void* lib = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!lib) throw std::runtime_error(dlerror());
  auto* p = static_cast<const npurt_plugin*>(dlsym(lib, NPURT_PLUGIN_SYMBOL));
  if (!p) throw std::runtime_error(file + " has no " NPURT_PLUGIN_SYMBOL);
  return *p;
}

}  // namespace npurt_test
