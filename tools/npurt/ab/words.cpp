#include "words.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <npurt/runtime.hpp>
#include <sstream>

namespace npurt::cli {

namespace {

using nlohmann::json;

constexpr size_t kAround = 4;                 // words of context on each side
constexpr size_t kMostCells = 2'000'000'000;  // of the table of edits, a byte each
enum Step : uint8_t { kKeep, kReplace, kDelete, kInsert };

std::string key_of(const std::string& word) {
  std::string key;
  for (unsigned char c : word)
    if (c >= 0x80 || std::isalnum(c)) key += static_cast<char>(c < 0x80 ? std::tolower(c) : c);
  return key;
}

std::string join(const std::vector<Spoken>& all, size_t from, size_t to) {
  std::string text;
  for (size_t i = from; i < to; ++i) text += (i > from ? " " : "") + all[i].text;
  return text;
}

// The steps from a[0, n) to b[0, m), last first.
std::vector<Step> script(const Spoken* a, size_t n, const Spoken* b, size_t m) {
  if ((n + 1) * (m + 1) > kMostCells)
    throw Error(Exit::run_failed, "the transcripts differ too much over too long a time to be compared; use shorter inputs");
  std::vector<Step> table((n + 1) * (m + 1));
  std::vector<uint32_t> above(m + 1), here(m + 1);
  for (size_t j = 0; j <= m; ++j) above[j] = static_cast<uint32_t>(j), table[j] = kInsert;
  for (size_t i = 1; i <= n; ++i) {
    here[0] = static_cast<uint32_t>(i);
    table[i * (m + 1)] = kDelete;
    for (size_t j = 1; j <= m; ++j) {
      const bool same = a[i - 1].key == b[j - 1].key;
      uint32_t best = above[j - 1] + (same ? 0 : 1);
      Step step = same ? kKeep : kReplace;
      if (above[j] + 1 < best) best = above[j] + 1, step = kDelete;
      if (here[j - 1] + 1 < best) best = here[j - 1] + 1, step = kInsert;
      here[j] = best;
      table[i * (m + 1) + j] = step;
    }
    std::swap(above, here);
  }
  std::vector<Step> steps;
  for (size_t i = n, j = m; i > 0 || j > 0;) {
    const Step step = table[i * (m + 1) + j];
    steps.push_back(step);
    if (step != kInsert) --i;
    if (step != kDelete) --j;
  }
  return steps;
}

}  // namespace

Transcript read_transcript(const std::string& document) {
  Transcript t;
  const json j = json::parse(document, nullptr, false);
  if (!j.is_object()) return t;
  for (const json& s : j.value("segments", json::array())) {
    const double start = s.value("start", 0.0), length = s.value("end", start) - start;
    std::istringstream text(s.value("text", ""));
    std::vector<std::string> words;
    for (std::string w; text >> w;)
      if (!key_of(w).empty()) words.push_back(w);
    for (size_t i = 0; i < words.size(); ++i)
      t.words.push_back(
          {words[i], key_of(words[i]), start + length * static_cast<double>(i) / static_cast<double>(words.size())});
    const json tokens = s.value("tokens", json::array());
    for (size_t i = 0; i < tokens.size(); ++i) {
      const std::string id = tokens[i].dump();
      t.tokens.push_back({id, id, start + length * static_cast<double>(i) / static_cast<double>(tokens.size())});
    }
  }
  return t;
}

std::vector<Flip> flips(const std::vector<Spoken>& a, const std::vector<Spoken>& b) {
  size_t head = 0, tail = 0;  // what both share needs no table
  const size_t least = std::min(a.size(), b.size());
  while (head < least && a[head].key == b[head].key) ++head;
  while (tail < least - head && a[a.size() - 1 - tail].key == b[b.size() - 1 - tail].key) ++tail;
  std::vector<Step> steps = script(a.data() + head, a.size() - head - tail, b.data() + head, b.size() - head - tail);
  std::reverse(steps.begin(), steps.end());
  std::vector<Flip> all;
  size_t i = head, j = head;
  for (size_t s = 0; s < steps.size();) {
    if (steps[s] == kKeep) {
      ++i, ++j, ++s;
      continue;
    }
    const size_t from = i, other = j, first = s;
    for (; s < steps.size() && steps[s] != kKeep; ++s) {
      if (steps[s] != kInsert) ++i;
      if (steps[s] != kDelete) ++j;
    }
    const double at = from < i ? a[from].at : b[other].at;
    all.push_back({at, join(a, from, i), join(b, other, j), join(a, from < kAround ? 0 : from - kAround, from),
                   join(a, i, std::min(a.size(), i + kAround)), static_cast<int>(s - first)});
  }
  return all;
}

int edits(const std::vector<Flip>& all) {
  int n = 0;
  for (const Flip& f : all) n += f.edits;
  return n;
}

}  // namespace npurt::cli
