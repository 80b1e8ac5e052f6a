#include "weights.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "decode_values.hpp"
#include "layout.hpp"
#include "model_config.hpp"
#include "parts.hpp"
#include "whisper_shapes.hpp"

namespace npurt {

using nlohmann::json;

namespace {

struct Free {
  void operator()(uint8_t* p) const { std::free(p); }
};
using Buffer = std::unique_ptr<uint8_t, Free>;

Buffer allocate(uint64_t bytes) {
  auto* p = static_cast<uint8_t*>(std::aligned_alloc(64, (bytes + 64) / 64 * 64));
  if (!p) throw std::bad_alloc();
  return Buffer(p);
}

npurt_dtype plain_dtype(Encoding e) {
  switch (e) {
    case Encoding::f32:
      return NPURT_F32;
    case Encoding::f16:
      return NPURT_F16;
    case Encoding::bf16:
      return NPURT_BF16;
    case Encoding::i8:
      return NPURT_I8;
    case Encoding::u8:
      return NPURT_U8;
    case Encoding::i32:
      return NPURT_I32;
    case Encoding::i64:
      return NPURT_I64;
    default:
      return NPURT_F32;  // blocks and i16 are only given converted
  }
}

class Store : public Weights {
 public:
  explicit Store(ModelFile model) : model_(std::move(model)), facts_(json::parse(model_.config)) {
    if (facts_.value("kind", json()) != "whisper") return;
    check_whisper_config(facts_, model_.path.string());
    check_whisper_shapes(model_, facts_);
  }

  bool tensor(const std::string& name, uint32_t dtype, npurt_tensor& out) override {
    std::lock_guard lock(mutex_);
    const std::string key = name + '/' + std::to_string(dtype);
    auto it = ready_.find(key);
    if (it == ready_.end()) {
      npurt_tensor t{};
      t.size = sizeof t;
      t.spec.size = sizeof t.spec;
      if (!make(name, dtype, t)) return false;
      it = ready_.emplace(key, t).first;
    }
    out = it->second;
    return true;
  }

  const std::string& config() const override { return model_.config; }

  ModelInfo info() const override {
    ModelInfo i{model_.path, model_.layout, model_.config, 0, {}};
    for (const auto& f : model_.files) i.bytes += f->bytes().size();
    for (const std::string& name : names()) {
      const auto p = parts(name);
      if (!p) continue;
      std::string type;
      for (const Stored* s : p->stored)
        if (s) type = encoding_name(s->encoding);
      i.tensors.push_back({name, type, p->dims});
    }
    return i;
  }

 private:
  std::optional<Parts> parts(const std::string& name) const { return find_parts(model_, facts_, name); }

  std::vector<std::string> names() const {
    if (model_.layout != "npurt") return canonical_names(facts_.value("n_audio_layer", 0), facts_.value("n_text_layer", 0));
    std::vector<std::string> all;
    for (const auto& [name, tensor] : model_.tensors) all.push_back(name);
    return all;
  }

  // The per-row factors of a stored i8 tensor; empty if it has none.
  std::vector<float> scales(const std::string& source, const Stored& s) const {
    const bool ct2 = model_.layout == "ctranslate2";
    auto it = model_.tensors.find(source + (ct2 ? "_scale" : ".scale"));
    if (it == model_.tensors.end()) return {};
    std::vector<float> f(it->second.count());
    decode_f32(it->second, nullptr, f.data());
    if (!s.dims.empty() && f.size() != static_cast<size_t>(s.dims[0]))
      throw Error(Exit::input, model_.path.string() + ": tensor '" + source + "' has " + std::to_string(s.dims[0]) +
                                   " rows and " + std::to_string(f.size()) + " scales");
    if (ct2)
      for (float& x : f) x = 1 / x;
    return f;
  }

  void give(npurt_tensor& t, uint32_t dtype, const std::vector<int64_t>& dims, const void* data, uint64_t bytes) {
    t.spec.dtype = dtype;
    t.spec.rank = static_cast<uint32_t>(dims.size());
    std::copy(dims.begin(), dims.end(), t.spec.dims);
    t.data = const_cast<void*>(data);
    t.bytes = bytes;
    t.writer = "model";
  }
  uint8_t* keep(uint64_t bytes) { return buffers_.emplace_back(allocate(bytes)).get(); }
  // What was converted is not read again.
  void release(const Parts& p) const {
    for (const Stored* s : p.stored)
      for (const auto& file : model_.files)
        if (s) file->release(s->data);
  }
  static bool aligned(Bytes b) { return reinterpret_cast<uintptr_t>(b.data()) % 64 == 0; }

  bool make(const std::string& name, uint32_t dtype, npurt_tensor& t) {
    if (!model_.vocab.empty() && name.rfind("vocab.", 0) == 0) return make_vocabulary(name, t);
    const auto found = parts(name);
    if (!found && name.ends_with(".scale") && dtype == NPURT_F32) {
      const std::string base = name.substr(0, name.size() - 6);
      npurt_tensor rows{};
      const auto scaled = parts(base);
      return scaled && make_i8(base, *scaled, rows, &t);
    }
    if (!found) return false;
    const Parts& p = *found;
    if (dtype == NPURT_I8) return make_i8(name, p, t, nullptr);
    uint64_t count = 1;
    for (int64_t d : p.dims) count *= static_cast<uint64_t>(d);
    const Stored* only = p.stored.size() == 1 ? p.stored[0] : nullptr;
    if (only && (dtype == 0 || dtype == plain_dtype(only->encoding)) && only->encoding < Encoding::q4_0 &&
        only->encoding != Encoding::i16) {
      const void* data = only->data.data();
      if (!aligned(only->data)) {
        uint8_t* copy = keep(only->data.size());
        if (!only->data.empty()) std::memcpy(copy, data, only->data.size());
        data = copy;
      }
      give(t, plain_dtype(only->encoding), p.dims, data, only->data.size());
      return true;
    }
    if (dtype != NPURT_F32 && dtype != 0) return false;
    auto* f = reinterpret_cast<float*>(keep(count * 4));
    floats(p, f);
    release(p);
    give(t, NPURT_F32, p.dims, f, count * 4);
    return true;
  }

  void floats(const Parts& p, float* out) const {
    const Stored* any = nullptr;
    for (const Stored* s : p.stored)
      if (s && !any) any = s;
    for (size_t i = 0; i < p.stored.size(); ++i) {
      const Stored* s = p.stored[i];
      if (!s) {
        std::fill_n(out, any->count(), 0.0F);
        out += any->count();
        continue;
      }
      std::vector<float> scale;
      if (s->encoding == Encoding::i8) scale = scales(p.names[i], *s);
      decode_f32(*s, scale.empty() ? nullptr : scale.data(), out);
      out += s->count();
    }
  }

  // Rows as i8 with their scales; both are kept under their own names. `scale_out`, if given, gets the scales.
  bool make_i8(const std::string& name, const Parts& p, npurt_tensor& t, npurt_tensor* scale_out) {
    const int64_t rows = p.dims.empty() ? 1 : p.dims[0], cols = p.row();
    const auto have = ready_.find(name + '/' + std::to_string(NPURT_I8));
    if (have == ready_.end() || !scale_out) {
      auto* scale = reinterpret_cast<float*>(keep(static_cast<uint64_t>(rows) * 4));
      const Stored* only =
          p.stored.size() == 1 && p.stored[0]->encoding == Encoding::i8 && aligned(p.stored[0]->data) ? p.stored[0] : nullptr;
      int8_t* out = only ? nullptr : reinterpret_cast<int8_t*>(keep(static_cast<uint64_t>(rows * cols)));
      const Stored* any = *std::find_if(p.stored.begin(), p.stored.end(), [](const Stored* s) { return s; });
      int64_t row = 0;
      for (size_t i = 0; i < p.stored.size(); ++i) {
        const Stored* s = p.stored[i];
        const int64_t n = any->dims.empty() ? 1 : (s ? s : any)->dims[0];
        std::vector<float> own;
        if (s && s->encoding == Encoding::i8) own = scales(p.names[i], *s);
        if (s && s->encoding == Encoding::i8) {
          if (out && !s->data.empty()) std::memcpy(out + row * cols, s->data.data(), s->data.size());
          for (int64_t r = 0; r < n; ++r) scale[row + r] = own.empty() ? 1.0F : own[static_cast<size_t>(r)];
        } else {
          if (s) quantise_stored(*s, n, cols, out + row * cols, scale + row);
          else std::fill_n(out + row * cols, n * cols, int8_t{0}), std::fill_n(scale + row, n, 0.0F);
        }
        row += n;
      }
      npurt_tensor ti{}, ts{};
      for (npurt_tensor* x : {&ti, &ts}) {
        x->size = sizeof *x;
        x->spec.size = sizeof x->spec;
      }
      give(ti, NPURT_I8, p.dims, only ? static_cast<const void*>(only->data.data()) : out, static_cast<uint64_t>(rows * cols));
      give(ts, NPURT_F32, {rows}, scale, static_cast<uint64_t>(rows) * 4);
      if (!only) release(p);
      ready_[name + '/' + std::to_string(NPURT_I8)] = ti;
      ready_[name + ".scale/" + std::to_string(NPURT_F32)] = ts;
    }
    t = ready_.at(name + '/' + std::to_string(NPURT_I8));
    if (scale_out) *scale_out = ready_.at(name + ".scale/" + std::to_string(NPURT_F32));
    return true;
  }

  bool make_vocabulary(const std::string& name, npurt_tensor& t) {
    size_t total = 0;
    for (const auto& w : model_.vocab) total += w.size();
    if (name == "vocab.bytes") {
      uint8_t* p = keep(total);
      uint8_t* at = p;
      for (const auto& w : model_.vocab) at = std::copy(w.begin(), w.end(), at);
      give(t, NPURT_U8, {static_cast<int64_t>(total)}, p, total);
    } else if (name == "vocab.offsets") {
      auto* o = reinterpret_cast<int32_t*>(keep((model_.vocab.size() + 1) * 4));
      int32_t at = 0;
      size_t i = 0;
      for (const auto& w : model_.vocab) {
        o[i++] = at;
        at += static_cast<int32_t>(w.size());
      }
      o[i] = at;
      give(t, NPURT_I32, {static_cast<int64_t>(i + 1)}, o, (i + 1) * 4);
    } else {
      return false;
    }
    return true;
  }

  ModelFile model_;
  json facts_;
  std::mutex mutex_;
  std::map<std::string, npurt_tensor> ready_;
  std::vector<Buffer> buffers_;
};

}  // namespace

std::shared_ptr<Weights> Weights::open(const std::filesystem::path& path) { return std::make_shared<Store>(read_model(path)); }

std::shared_ptr<Weights> Weights::shared(const std::filesystem::path& path) {
  static std::mutex mutex;
  static std::map<std::filesystem::path, std::weak_ptr<Weights>> open_models;
  std::lock_guard lock(mutex);
  auto& slot = open_models[std::filesystem::weakly_canonical(path)];
  auto model = slot.lock();
  if (!model) slot = model = open(path);
  return model;
}

}  // namespace npurt
