// The one include of a plugin author: write plain classes, end the file with NPURT_PLUGIN("name", "1.0.0", A, B).
//
//   class Gain {
//    public:
//     static constexpr auto op = "gain";
//     static constexpr auto signature = "audio f32[T] -> audio f32[T]";
//     static constexpr auto device = "cpu";               // or "npu", "io"
//     static constexpr auto kernel = "fast";              // optional: chosen as plugin:fast
//     static constexpr bool stream = true;                // optional: keeps state between the packets of a file
//     static void plan(npurt::Host, npurt::Specs in, npurt::Outs out) { out[0] = in[0]; }
//     Gain(npurt::Host host, npurt::Specs in);            // or Gain(npurt::Host)
//     void run(npurt::Call& call);
//   };
//
// Throw Refuse, BadConfig, Fault, Bug or Cancelled with one sentence; anything else thrown becomes BUG. Header-only, needs
// nothing but the standard library. docs/plugin.md has a worked example.
#pragma once

#include <npurt/abi.h>

#include <cstddef>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace npurt {

// The sentence a stage stops with, and what the host makes of it.
struct Stop : std::runtime_error {
  Stop(npurt_code c, const std::string& sentence) : std::runtime_error(sentence), code(c) {}
  npurt_code code;
};
struct Refuse : Stop {
  explicit Refuse(const std::string& s) : Stop(NPURT_REFUSE, s) {}
};
struct BadConfig : Stop {
  explicit BadConfig(const std::string& s) : Stop(NPURT_BAD_CONFIG, s) {}
};
struct Fault : Stop {
  explicit Fault(const std::string& s) : Stop(NPURT_FAULT, s) {}
};
struct Bug : Stop {
  explicit Bug(const std::string& s) : Stop(NPURT_BUG, s) {}
};
struct Cancelled : Stop {
  Cancelled() : Stop(NPURT_CANCELLED, "cancelled") {}
};

template <typename T>
constexpr npurt_dtype dtype_of() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<U, float>) return NPURT_F32;
  else if constexpr (std::is_same_v<U, int8_t>) return NPURT_I8;
  else if constexpr (std::is_same_v<U, uint8_t>) return NPURT_U8;
  else if constexpr (std::is_same_v<U, int32_t>) return NPURT_I32;
  else if constexpr (std::is_same_v<U, int64_t>) return NPURT_I64;
  else {
    static_assert(std::is_same_v<U, char>, "no npurt dtype for this type");
    return NPURT_JSON;
  }
}

// What a tensor looks like. Spec{NPURT_F32, {1500, 384}}.
struct Spec : npurt_spec {
  Spec() : npurt_spec{sizeof(npurt_spec), 0, 0, 0, {}} {}
  Spec(const npurt_spec& s) : npurt_spec(s) {}
  Spec(npurt_dtype type, std::initializer_list<int64_t> shape) : Spec() {
    dtype = type;
    for (int64_t d : shape) dims[rank++] = d;
  }
  // Elements, or NPURT_UNKNOWN if a dim is unknown.
  int64_t count() const {
    int64_t n = 1;
    for (uint32_t i = 0; i < rank; ++i) {
      if (dims[i] < 0) return NPURT_UNKNOWN;
      n *= dims[i];
    }
    return n;
  }
};
using Specs = std::span<const npurt_spec>;
using Outs = std::span<npurt_spec>;

// A typed, read-only weight matrix or vector: rows x cols, row-major; scale has one value per row for i8, else is null.
template <typename T>
struct Weight {
  const T* data = nullptr;
  const float* scale = nullptr;
  int64_t rows = 0, cols = 0;
};

// What a stage may ask of npurt.
class Host {
 public:
  explicit Host(const npurt_host* h) : h_(h) {}

  bool has(const char* name) const { return h_->option(h_->self, name) != nullptr; }
  std::string option(const char* name, std::string_view otherwise) const {
    const char* v = h_->option(h_->self, name);
    return v ? std::string(v) : std::string(otherwise);
  }
  std::string option(const char* name) const {
    const char* v = h_->option(h_->self, name);
    if (!v) throw BadConfig("option '" + std::string(name) + "' is missing");
    return v;
  }
  // A number option; throws BadConfig unless the whole text is a number inside [low, high].
  double number(const char* name, double otherwise, double low, double high) const {
    const char* v = h_->option(h_->self, name);
    if (!v || !*v) return otherwise;
    size_t used = 0;
    double x = 0;
    try {
      x = std::stod(v, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || v[used] != 0 || !(x >= low && x <= high))
      throw BadConfig("option '" + std::string(name) + "' is '" + v + "'; wanted a number from " + trim(low) + " to " +
                      trim(high));
    return x;
  }
  int threads() const { return static_cast<int>(number("threads", 1, 1, 4096)); }

  // The tensor `name` of the node's model. T: float (converted) or int8_t (per-row scale). Throws Refuse if absent.
  template <typename T>
  Weight<T> weight(const std::string& name) const {
    npurt_tensor t = tensor(name, dtype_of<T>());
    Weight<T> w;
    w.data = static_cast<const T*>(t.data);
    w.rows = t.spec.rank ? t.spec.dims[0] : 1;
    w.cols = 1;
    for (uint32_t i = 1; i < t.spec.rank; ++i) w.cols *= t.spec.dims[i];
    if constexpr (std::is_same_v<T, int8_t>) w.scale = static_cast<const float*>(tensor(name + ".scale", NPURT_F32).data);
    return w;
  }
  bool has_weight(const std::string& name) const {
    npurt_tensor t = blank();
    return h_->weight(h_->self, name.c_str(), 0, &t) == NPURT_OK;
  }
  // As `weight`, with its full shape; dtype 0 gives it as stored.
  npurt_tensor tensor(const std::string& name, uint32_t dtype) const {
    npurt_tensor t = blank();
    int32_t code = h_->weight(h_->self, name.c_str(), dtype, &t);
    if (code != NPURT_OK) throw Stop(static_cast<npurt_code>(code), "");  // the host kept its own sentence
    return t;
  }
  std::string meta(const char* name) const {
    const char* v = h_->meta(h_->self, name);
    return v ? v : "";
  }

  template <typename T>
  std::span<T> scratch(size_t n) const {
    void* p = h_->scratch(h_->self, n * sizeof(T));
    if (!p) throw Fault("out of memory for " + std::to_string(n * sizeof(T)) + " bytes of scratch");
    return {static_cast<T*>(p), n};
  }
  bool cancelled() const { return h_->cancelled(h_->self) != 0; }
  void progress(double done, double total) const { h_->progress(h_->self, done, total); }
  void debug(const std::string& s) const { h_->log(h_->self, NPURT_DEBUG, s.c_str()); }
  void info(const std::string& s) const { h_->log(h_->self, NPURT_INFO, s.c_str()); }
  void warn(const std::string& s) const { h_->log(h_->self, NPURT_WARN, s.c_str()); }

  // For plan and report. While a stage is opened: what each call will take; in run: what it took. modelled: a cost model says so,
  // no clock.
  void device_time(double seconds, bool modelled) const {
    if (h_->size >= offsetof(npurt_host, device_time) + sizeof h_->device_time && h_->device_time)
      h_->device_time(h_->self, seconds, modelled);
  }
  // Launches on a device, the bytes of host memory that it reads and writes, and those that the host lays out anew for it.
  void device_work(npurt_device_work work) const {
    work.size = sizeof work;
    if (h_->size >= offsetof(npurt_host, device_work) + sizeof h_->device_work && h_->device_work)
      h_->device_work(h_->self, &work);
  }

  // A graph of the host's, called as a function (see npurt_host::inner). Only during open.
  const npurt_inner* inner(const char* name, Specs in) const {
    const npurt_inner* g = nullptr;
    int32_t code = h_->inner(h_->self, name, in.data(), static_cast<uint32_t>(in.size()), &g);
    if (code != NPURT_OK) throw Stop(static_cast<npurt_code>(code), "");
    return g;
  }
  const npurt_host* raw() const { return h_; }

  static npurt_tensor blank() {
    npurt_tensor t{};
    t.size = sizeof t;
    t.spec.size = sizeof t.spec;
    return t;
  }

 private:
  static std::string trim(double x) {
    std::string s = std::to_string(x);
    s.erase(s.find_last_not_of('0') + 1);
    if (s.back() == '.') s.pop_back();
    return s;
  }
  const npurt_host* h_;
};

// Runs an inner graph; throws what it stopped with.
inline void run_inner(const npurt_inner* g, std::span<const npurt_tensor> in, std::span<npurt_tensor> out) {
  int32_t code = g->run(g->self, in.data(), static_cast<uint32_t>(in.size()), out.data(), static_cast<uint32_t>(out.size()));
  if (code != NPURT_OK) throw Stop(static_cast<npurt_code>(code), "");
}

// One packet through one stage. Spans are valid until run returns.
class Call {
 public:
  explicit Call(npurt_call* c) : c_(c) {}

  bool end() const { return c_->end != 0; }
  int64_t index() const { return c_->index; }
  Host host() const { return Host(c_->host); }
  bool has(size_t port) const { return port < c_->inputs && c_->in[port].data != nullptr; }

  template <typename T = float>
  std::span<const T> in(size_t port) const {
    const npurt_tensor& t = c_->in[port];
    return {static_cast<const T*>(t.data), static_cast<size_t>(t.data ? Spec(t.spec).count() : 0)};
  }
  const npurt_spec& in_spec(size_t port) const { return c_->in[port].spec; }
  // Text of a JSON input.
  std::string_view text(size_t port) const {
    auto s = in<char>(port);
    return {s.data(), s.size()};
  }

  template <typename T = float>
  std::span<T> out(size_t port) const {
    npurt_tensor& t = c_->out[port];
    return {static_cast<T*>(t.data), static_cast<size_t>(t.data ? Spec(t.spec).count() : 0)};
  }
  // Gives output `port` a shape that only the data decides, and returns its memory.
  template <typename T = float>
  std::span<T> resize(size_t port, std::initializer_list<int64_t> dims) const {
    Spec s(dtype_of<T>(), dims);
    int32_t code = c_->host->resize(c_->host->self, static_cast<uint32_t>(port), &s);
    if (code != NPURT_OK) throw Stop(static_cast<npurt_code>(code), "");
    return out<T>(port);
  }
  void put_text(size_t port, std::string_view text) const {
    auto s = resize<char>(port, {static_cast<int64_t>(text.size())});
    if (!text.empty()) std::memcpy(s.data(), text.data(), text.size());
  }

  // For stages with an @split output.
  void skip() const { c_->emit = 0; }
  void again() const { c_->again = 1; }

 private:
  npurt_call* c_;
};

namespace detail {

template <typename F>
int32_t guard(const npurt_host* host, F&& f) noexcept {
  try {
    f();
    return NPURT_OK;
  } catch (const Stop& s) {
    return *s.what() ? host->fail(host->self, s.code, s.what()) : s.code;
  } catch (const std::bad_alloc&) {
    return host->fail(host->self, NPURT_FAULT, "out of memory");
  } catch (const std::exception& e) {
    return host->fail(host->self, NPURT_BUG, e.what());
  } catch (...) {
    return host->fail(host->self, NPURT_BUG, "threw something that is not a std::exception");
  }
}

template <typename T>
constexpr const char* kernel_of() {
  if constexpr (requires { T::kernel; }) return T::kernel;
  else return "";
}
template <typename T>
constexpr uint32_t state_of() {
  if constexpr (requires { T::stream; }) return T::stream ? NPURT_STREAM : NPURT_PACKET;
  else return NPURT_PACKET;
}

template <typename T>
struct Face {
  static int32_t plan(const npurt_host* h, const npurt_spec* in, uint32_t n, npurt_spec* out, uint32_t m) {
    return guard(h, [&] { T::plan(Host(h), Specs(in, n), Outs(out, m)); });
  }
  static int32_t open(const npurt_host* h, const npurt_spec* in, uint32_t n, void** object) {
    return guard(h, [&] {
      if constexpr (std::is_constructible_v<T, Host, Specs>) *object = new T(Host(h), Specs(in, n));
      else *object = new T(Host(h));
    });
  }
  static int32_t run(void* object, npurt_call* call) {
    return guard(call->host, [&] {
      Call c(call);
      static_cast<T*>(object)->run(c);
    });
  }
  static void close(void* object) { delete static_cast<T*>(object); }
  static constexpr npurt_stage stage{sizeof(npurt_stage), state_of<T>(), T::op, kernel_of<T>(), T::signature,
                                     T::device,           &plan,         &open, &run,           &close};
};

template <typename... T>
struct List {
  static constexpr const npurt_stage* stages[] = {&Face<T>::stage...};
};

}  // namespace detail
}  // namespace npurt

#define NPURT_PLUGIN(name, version, ...)                                                                                 \
  extern "C" __attribute__((visibility("default"))) const npurt_plugin npurt_plugin_v1;                                  \
  const npurt_plugin npurt_plugin_v1 = {sizeof(npurt_plugin), std::size(npurt::detail::List<__VA_ARGS__>::stages), name, \
                                        version, npurt::detail::List<__VA_ARGS__>::stages};
