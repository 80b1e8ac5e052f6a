// whisper.cpp's ggml .bin (ggml-org/whisper.cpp, models/README.md and whisper_model_load): header, mel filters, vocabulary,
// tensors.
#include <algorithm>

#include "model_config.hpp"
#include "model_file.hpp"

namespace npurt {

ModelFile read_ggml(const std::filesystem::path& path) {
  ModelFile m;
  m.layout = "ggml";
  m.files.push_back(std::make_unique<MappedFile>(path));
  Cursor c(m.files[0]->bytes(), path.string());
  if (c.read<uint32_t>("the magic number") != 0x67676d6c) c.fail("this is not a ggml file");
  WhisperDims d;
  auto number = [&](const char* what) { return static_cast<int64_t>(c.read<int32_t>(what)); };
  d.n_vocab = number("n_vocab");
  d.n_audio_ctx = number("n_audio_ctx");
  d.n_audio_state = number("n_audio_state");
  d.n_audio_head = number("n_audio_head");
  d.n_audio_layer = number("n_audio_layer");
  d.n_text_ctx = number("n_text_ctx");
  d.n_text_state = number("n_text_state");
  d.n_text_head = number("n_text_head");
  d.n_text_layer = number("n_text_layer");
  d.n_mels = number("n_mels");
  number("ftype");
  const auto mels = c.read<uint32_t>("the mel filters' rows"), bins = c.read<uint32_t>("the mel filters' columns");
  c.take(checked_product(checked_product(mels, bins, c, "the mel filter table"), 4, c, "the mel filter table"),
         "the mel filters");
  const auto words = c.read<uint32_t>("the vocabulary's length");
  if (words > static_cast<uint64_t>(std::max<int64_t>(d.n_vocab, 0)))
    c.fail("the vocabulary has " + std::to_string(words) + " tokens, n_vocab is " + std::to_string(d.n_vocab));
  for (uint32_t i = 0; i < words; ++i) {
    Bytes b = c.take(c.read<uint32_t>("a token's length"), "a token");
    m.vocab.emplace_back(b.begin(), b.end());
  }
  while (c.left()) {
    const auto rank = c.read<uint32_t>("a rank"), length = c.read<uint32_t>("a name's length"),
               type = c.read<uint32_t>("a dtype");
    if (rank < 1 || rank > 4) c.fail("a tensor has " + std::to_string(rank) + " dimensions");
    Stored t;
    switch (type) {
      case 0:
        t.encoding = Encoding::f32;
        break;
      case 1:
        t.encoding = Encoding::f16;
        break;
      case 2:
        t.encoding = Encoding::q4_0;
        break;
      case 6:
        t.encoding = Encoding::q5_0;
        break;
      case 7:
        t.encoding = Encoding::q5_1;
        break;
      case 8:
        t.encoding = Encoding::q8_0;
        break;
      default:
        c.fail("a tensor has ggml type " + std::to_string(type) + "; npurt reads f32, f16, q4_0, q5_0, q5_1 and q8_0");
    }
    uint64_t count = 1;
    for (uint32_t i = 0; i < rank; ++i) {
      const auto dim = c.read<uint32_t>("a dimension");
      count = checked_product(count, dim, c, "a tensor");
      t.dims.insert(t.dims.begin(), dim);
    }
    Bytes raw = c.take(length, "a tensor's name");
    const std::string name(raw.begin(), raw.end());
    if (t.dims.back() % (t.encoding >= Encoding::q4_0 ? 32 : 1))
      c.fail("tensor '" + name + "' has rows that are not made of whole blocks");
    t.data = c.take(encoded_bytes(t.encoding, count), ("tensor '" + name + "'").c_str());
    while (t.dims.size() > 1 && t.dims.back() == 1) t.dims.pop_back();  // conv biases are stored [n,1]
    m.tensors[name] = std::move(t);
  }
  m.config = whisper_config(d, m.vocab, "null", "null", "null", path.string());
  return m;
}

}  // namespace npurt
