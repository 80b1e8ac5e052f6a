// The only place that knows oneDNN: builds with 2.6 (Debian 12) and 3.x (Debian 13).
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <npurt/plugin.hpp>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <utility>
#include <vector>

#include "isa.hpp"

namespace npurt_cpu {

inline void onednn_limit(Isa level) {
  constexpr dnnl::cpu_isa limits[] = {dnnl::cpu_isa::sse41, dnnl::cpu_isa::avx2, dnnl::cpu_isa::avx512_core,
                                      dnnl::cpu_isa::avx512_core_vnni, dnnl::cpu_isa::avx512_core_bf16};
  dnnl::set_max_cpu_isa(limits[static_cast<int>(level)]);
}
inline bool onednn_includes(dnnl::cpu_isa wanted) {
  auto have = static_cast<unsigned>(dnnl::get_effective_cpu_isa()), want = static_cast<unsigned>(wanted);
  return (have & want) == want;
}
inline bool onednn_has_vnni() {
  return onednn_includes(dnnl::cpu_isa::avx512_core_vnni) || onednn_includes(dnnl::cpu_isa::avx2_vnni);
}
inline bool onednn_has_amx() { return onednn_includes(dnnl::cpu_isa::avx512_core_amx); }

enum class Bf16 : uint16_t;

template <typename T>
constexpr dnnl::memory::data_type onednn_type() {
  using Type = dnnl::memory::data_type;
  if constexpr (std::is_same_v<T, float>) return Type::f32;
  else if constexpr (std::is_same_v<T, Bf16>) return Type::bf16;
  else if constexpr (std::is_same_v<T, uint8_t>) return Type::u8;
  else if constexpr (std::is_same_v<T, int8_t>) return Type::s8;
  else return Type::s32;
}

// C[m,N] = A[m,K] · W[N,K]ᵀ, with W packed once in the order that oneDNN likes best. Made for the caller's own threads: each
// call computes on the thread that makes it, and `worker` keeps the calls of different threads apart.
template <typename A, typename W, typename C>
class Gemm {
 public:
  // `heights`: the values of m that will come. W is not needed afterwards.
  Gemm(const W* w, int64_t n, int64_t k, const std::vector<int64_t>& heights, int workers) : engine_(dnnl::engine::kind::cpu, 0) {
    // Primitives made while OpenMP allows one thread are blocked for one thread.
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    try {
      prepare(w, n, k, heights, workers);
    } catch (const dnnl::error& e) {
      omp_set_num_threads(threads);
      throw npurt::Refuse(std::string("oneDNN cannot multiply [m,") + std::to_string(k) + "] by [" + std::to_string(k) + "," +
                          std::to_string(n) + "]: " + e.what());
    }
    omp_set_num_threads(threads);
  }

  // False if oneDNN failed. Throws nothing, since it is called inside parallel loops.
  bool run(const A* a, int64_t m, C* c, int worker) const noexcept {
    for (const Height& h : heights_) {
      if (h.m != m) continue;
      const Worker& w = h.workers[static_cast<size_t>(worker)];
      if (dnnl_memory_set_data_handle(w.a.get(), const_cast<A*>(a)) != dnnl_success) return false;
      if (dnnl_memory_set_data_handle(w.c.get(), c) != dnnl_success) return false;
      const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, w.a.get()},
                                      {DNNL_ARG_WEIGHTS, packed_.get()},
                                      {DNNL_ARG_DST, w.c.get()},
                                      {DNNL_ARG_SCRATCHPAD, w.scratch.get()}};
      return dnnl_primitive_execute(h.primitive.get(), w.stream.get(), 4, args) == dnnl_success;
    }
    return false;
  }

 private:
  struct Worker {
    dnnl::stream stream;
    dnnl::memory a, c, scratch;
  };
  struct Height {
    int64_t m;
    dnnl::matmul primitive;
    std::vector<Worker> workers;
  };
  using Desc = dnnl::memory::desc;
  using Tag = dnnl::memory::format_tag;

  dnnl::matmul::primitive_desc describe(const Desc& a, const Desc& w, const Desc& c) const {
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
    return {engine_, a, w, c, attr};
#else
    return {{a, w, c}, attr, engine_};
#endif
  }

  void prepare(const W* w, int64_t n, int64_t k, const std::vector<int64_t>& heights, int workers) {
    for (int64_t m : heights) {
      Desc a({m, k}, onednn_type<A>(), Tag::ab), c({m, n}, onednn_type<C>(), Tag::ab);
      bool first = heights_.empty();
      auto chosen = describe(a, first ? Desc({k, n}, onednn_type<W>(), Tag::any) : packed_.get_desc(), c);
      if (first) pack(w, n, k, chosen.weights_desc());
      Height h{m, dnnl::matmul(chosen), {}};
      for (int i = 0; i < workers; ++i)
        h.workers.push_back({dnnl::stream(engine_), dnnl::memory(a, engine_, nullptr), dnnl::memory(c, engine_, nullptr),
                             dnnl::memory(chosen.scratchpad_desc(), engine_)});
      heights_.push_back(std::move(h));
    }
  }

  void pack(const W* w, int64_t n, int64_t k, const Desc& target) {
    packed_ = dnnl::memory(target, engine_);
    dnnl::memory rows(Desc({k, n}, onednn_type<W>(), Tag::ba), engine_, const_cast<W*>(w));
    dnnl::stream stream(engine_);
    dnnl::reorder(rows, packed_).execute(stream, rows, packed_);
    stream.wait();
  }

  dnnl::engine engine_;
  dnnl::memory packed_;
  std::vector<Height> heights_;
};

// C[m,n] = alpha · A[m,k] · op(B), op(B) = B[k,n], or B[n,k]ᵀ if `transposed`; rows of A, B, C are lda, ldb, ldc apart.
inline bool sgemm(bool transposed, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda, const float* b,
                  int64_t ldb, float* c, int64_t ldc) noexcept {
  return dnnl_sgemm('N', transposed ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, 0.0F, c, ldc) == dnnl_success;
}

}  // namespace npurt_cpu
