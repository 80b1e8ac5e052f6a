#include <algorithm>
#include <map>
#include <npurt/runtime.hpp>

namespace npurt {

Footnotes::Footnotes(const std::vector<Placement>& table) {
  std::map<std::string, int> times;
  for (const Placement& row : table)
    for (const Refusal& r : row.refused)
      if (++times[r.reason] == 2 && !r.reason.empty()) shared_.push_back(r.reason);
}

std::string Footnotes::cause(const Placement& row) const {
  std::string text = row.cause;
  for (size_t i = 0; i < shared_.size(); ++i) {
    const std::string reason = " refused: " + shared_[i], mark = " refused [" + std::to_string(i + 1) + "]";
    for (size_t at = 0; (at = text.find(reason, at)) != std::string::npos; at += mark.size())
      if (const size_t end = at + reason.size(); end == text.size() || text[end] == ';') text.replace(at, reason.size(), mark);
  }
  return text;
}

std::string Footnotes::text() const {
  std::string all;
  for (size_t i = 0; i < shared_.size(); ++i) all += "[" + std::to_string(i + 1) + "] " + shared_[i] + "\n";
  return all;
}

}  // namespace npurt
