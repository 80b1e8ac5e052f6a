// Hot paths take no memory: a stage of the encoder or of voice activity in no run after its first, the decoder for no token.
// Counted are malloc and its kin while the plugin's code runs; the host's scratch comes from aligned_alloc. matmul and conv1d are
// left out: oneDNN keeps the arguments of each call in a map.
#include <atomic>
#include <cstdio>

#include "catch.hpp"
#include "whisper.hpp"

namespace {

std::atomic<bool> counting;
std::atomic<long> counted;

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCounts = false;
#else
constexpr bool kCounts = true;
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* malloc(size_t n) noexcept {
  if (counting) ++counted;
  return __libc_malloc(n);
}
void* calloc(size_t n, size_t size) noexcept {
  if (counting) ++counted;
  return __libc_calloc(n, size);
}
void* realloc(void* p, size_t n) noexcept {
  if (counting) ++counted;
  return __libc_realloc(p, n);
}
}
#endif

using namespace npurt_test;

namespace {

bool lacks_counter() {
  if (!kCounts) std::printf("skipped: the sanitizers keep malloc to themselves\n");
  return !kCounts;
}

void count_runs(Stage& stage) {
  stage.around_run = [](bool begins) { counting = begins; };
}

// How often the stage takes memory in its third run on `in`.
long in_third_run(Stage& stage, const std::vector<Tensor>& in) {
  stage.run(in);
  stage.run(in);
  counted = 0;
  count_runs(stage);
  stage.run(in);
  return counted;
}

Tensor noise(std::initializer_list<int64_t> dims) {
  int64_t count = 1;
  for (int64_t d : dims) count *= d;
  return Tensor::of(Random(1).normals(count, 0.1), dims);
}

}  // namespace

TEST_CASE("the counter counts what a plugin takes") {
  if (lacks_counter()) return;
  counted = 0;
  counting = true;
  std::string text(1000, 'x');  // in the test; a plugin's malloc is the same symbol
  counting = false;
  CHECK(counted == 1);
  const Whisper model = random_whisper(1);
  Decoder decoder(model, {{"max_tokens", "5"}});
  counted = 0;
  count_runs(decoder.stage());
  decoder.run();
  CHECK(counted > 0);  // the text of a window
}

TEST_CASE("stages of the encoder take no memory in a window") {
  if (lacks_counter()) return;
  const npurt_plugin& cpu = load(NPURT_PLUGIN_DIR "/libnpurt_cpu.so");
  Tensors t;
  t.put("w", std::vector<float>(384, 1), {384});
  Stage attention(cpu, "attention", "bf16");
  attention.options = {{"heads", "6"}, {"threads", "2"}};
  const Tensor qkv = noise({150, 1152});
  if (stopped([&] { attention.plan({qkv.spec}, 1); }) == "nothing") {
    attention.open({qkv.spec}, 1);
    CHECK(in_third_run(attention, {qkv}) == 0);
  }
  Stage norm(cpu, "layer_norm");
  norm.weights = t.source();
  norm.options = {{"weight", "w"}, {"bias", "w"}, {"threads", "2"}};
  const Tensor x = noise({150, 384}), audio = noise({480000});
  norm.open({x.spec}, 1);
  CHECK(in_third_run(norm, {x}) == 0);
  Stage mel(cpu, "log_mel");
  mel.options = {{"threads", "2"}};
  mel.open({audio.spec}, 1);
  CHECK(in_third_run(mel, {audio}) == 0);
}

TEST_CASE("the decoder takes no memory for a token") {
  if (lacks_counter()) return;
  int compared = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Whisper model = random_whisper(seed);
    const auto windows = random_windows(model, 2, seed);
    long calls[2] = {};
    size_t tokens[2] = {};
    for (int i = 0; i < 2; ++i) {
      Decoder decoder(
          model,
          {{"temperature", "0"}, {"language", "de"}, {"timestamps", "false"}, {"batch", "2"}, {"max_tokens", i ? "50" : "10"}});
      decoder.run(windows);
      counted = 0;
      count_runs(decoder.stage());
      for (const auto& packet : decoder.run(windows))
        for (const auto& s : packet["segments"]) tokens[i] += s["tokens"].size();
      calls[i] = counted;
    }
    if (tokens[1] < tokens[0] + 40) continue;
    ++compared;
    INFO("model " << seed << ": " << calls[0] << " calls for " << tokens[0] << " tokens, " << calls[1] << " for " << tokens[1]);
    // Lists and texts of tokens double their room a few times; one call for each token would be twice this.
    CHECK(calls[1] - calls[0] < static_cast<long>(tokens[1] - tokens[0]) / 2);
  }
  CHECK(compared > 3);
}
