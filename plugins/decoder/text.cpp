#include "text.hpp"

#include <zlib.h>

#include <unordered_map>

namespace decoder {

namespace {

// Length of the valid UTF-8 sequence at s[i], or 0.
size_t sequence(const std::string& s, size_t i) {
  const auto byte = [&](size_t k) { return k < s.size() ? static_cast<unsigned char>(s[k]) : 0U; };
  const unsigned a = byte(i);
  const size_t n = a < 0x80 ? 1 : a >= 0xC2 && a < 0xE0 ? 2 : a >= 0xE0 && a < 0xF0 ? 3 : a >= 0xF0 && a < 0xF5 ? 4 : 0;
  for (size_t k = 1; k < n; ++k)
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  const unsigned b = byte(i + 1);
  if ((a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F) || (a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F)) return 0;
  return n;
}

}  // namespace

std::string text_of(const Model& model, const std::vector<int>& tokens) {
  std::string raw, text;
  for (int id : tokens)
    if (id < model.facts.eot) raw += model.tokens[static_cast<size_t>(id)];
  for (size_t i = 0; i < raw.size();) {
    if (const size_t n = sequence(raw, i)) {
      text.append(raw, i, n);
      i += n;
    } else {
      text += "\xEF\xBF\xBD";
      ++i;
    }
  }
  return text;
}

std::vector<int> tokens_of(const Model& model, const std::string& text) {
  std::unordered_map<std::string, int> ids;
  for (int id = 0; id < model.facts.eot; ++id) ids.emplace(model.tokens[static_cast<size_t>(id)], id);
  std::vector<int> all;
  // GPT-2 splits text before each space that begins a word, and merges inside these pieces.
  for (size_t start = 0; start < text.size();) {
    size_t end = text.find(' ', start + 1);
    if (end == std::string::npos) end = text.size();
    std::vector<std::string> parts;
    for (size_t i = start; i < end; ++i) parts.emplace_back(1, text[i]);
    for (;;) {
      int best = model.facts.eot;
      size_t where = 0;
      for (size_t i = 0; i + 1 < parts.size(); ++i)
        if (auto it = ids.find(parts[i] + parts[i + 1]); it != ids.end() && it->second < best) best = it->second, where = i;
      if (best == model.facts.eot) break;
      parts[where] += parts[where + 1];
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(where) + 1);
    }
    for (const auto& p : parts)
      if (auto it = ids.find(p); it != ids.end()) all.push_back(it->second);
    start = end;
  }
  return all;
}

double compression_ratio(const std::string& text) {
  if (text.empty()) return 0;
  uLongf length = compressBound(text.size());
  std::string out(length, '\0');
  compress(reinterpret_cast<Bytef*>(out.data()), &length, reinterpret_cast<const Bytef*>(text.data()), text.size());
  return static_cast<double>(text.size()) / static_cast<double>(length);
}

}  // namespace decoder
