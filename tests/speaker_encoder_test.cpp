// The speaker encoder against PyTorch's LSTM and librosa's features (tests/data/make-speaker-jfk).
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "../plugins/diarizer/encoder.hpp"
#include "catch.hpp"

using namespace diarizer;
using nlohmann::json;

namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A host that knows the embedded model's weights, and nothing else.
npurt_host weights_only() {
  npurt_host host{};
  host.size = sizeof host;
  host.option = [](void*, const char*) -> const char* { return nullptr; };
  host.fail = [](void*, int32_t code, const char*) { return code; };
  host.cancelled = [](void*) -> int32_t { return 0; };
  host.weight = [](void*, const char* name, uint32_t, npurt_tensor* out) -> int32_t {
    static const std::string file = read(NPURT_SOURCE_DIR "/graphs/models/speaker-encoder.safetensors");
    uint64_t length = 0;
    std::memcpy(&length, file.data(), 8);
    static const json head = json::parse(file.substr(8, length));
    if (!head.contains(name)) return NPURT_REFUSE;
    *out = npurt::Host::blank();
    out->spec = npurt::Spec(NPURT_F32, {});
    for (const auto& d : head[name]["shape"]) out->spec.dims[out->spec.rank++] = d;
    const uint64_t begin = head[name]["data_offsets"][0], end = head[name]["data_offsets"][1];
    out->data = const_cast<char*>(file.data()) + 8 + length + begin;
    out->bytes = end - begin;
    return NPURT_OK;
  };
  return host;
}

}  // namespace

TEST_CASE("embeddings are those of PyTorch and librosa") {
  const std::string wav = read(NPURT_SOURCE_DIR "/graphs/samples/jfk.wav");
  const size_t data = wav.find("data") + 8;
  std::vector<float> audio((wav.size() - data) / 2);
  for (size_t i = 0; i < audio.size(); ++i) {
    int16_t s = 0;
    std::memcpy(&s, wav.data() + data + 2 * i, 2);
    audio[i] = static_cast<float>(s) / 32768;
  }
  Mel mel;
  mel.push(audio, 1);
  mel.finish(1);
  const json reference = json::parse(read(NPURT_SOURCE_DIR "/tests/data/speaker-jfk.json"));
  const npurt_host face = weights_only();
  const npurt::Host host(&face);
  const std::vector<int64_t> centres = reference["centres"];
  const auto found = Encoder(host).embed(host, mel.mel(), reference["gain"], centres, 1);
  for (size_t i = 0; i < centres.size(); ++i) {
    const std::vector<float> wanted = reference["embeddings"][i];
    const float* got = found.data() + i * kEmbedding;
    INFO("window " << i << " with " << kernels().name);
    // Bytes are coarser; two voices are 0.3 apart.
    if (kernels().product_i8) {
      CHECK(dot(got, wanted.data()) > 0.997F);
      continue;
    }
    for (size_t j = 0; j < kEmbedding; ++j) REQUIRE(std::fabs(got[j] - wanted[j]) < 2e-4F);
  }
}
