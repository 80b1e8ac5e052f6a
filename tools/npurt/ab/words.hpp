// Two transcripts side by side.
#pragma once

#include <string>
#include <vector>

namespace npurt::cli {

// A word or token, and roughly when it was spoken: its share of its segment, in seconds from the start of the file.
struct Spoken {
  std::string text;  // as written
  std::string key;   // as compared: words without case and punctuation, tokens as they are
  double at;
};

struct Transcript {
  std::vector<Spoken> words, tokens;
};
// Of the JSON document that a transcript sink writes; empty if it is none.
Transcript read_transcript(const std::string& document);

// Where b says something else than a: `a` or `b` may be empty. `before` and `after`: a few words of a around it.
struct Flip {
  double at;
  std::string a, b, before, after;
  int edits;  // substitutions, insertions and deletions
};
// A shortest way from a to b (Levenshtein 1966), neighbouring edits as one flip.
std::vector<Flip> flips(const std::vector<Spoken>& a, const std::vector<Spoken>& b);
int edits(const std::vector<Flip>& all);

}  // namespace npurt::cli
