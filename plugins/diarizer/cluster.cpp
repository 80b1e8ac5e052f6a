#include "cluster.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "encoder.hpp"

namespace diarizer {

namespace {

constexpr float kDoubt = 8;  // vectors; with as many, a mean is known so badly that its distance from a sure one counts half

// Distances below the diagonal, row after row.
class Triangle {
 public:
  explicit Triangle(int n) : d_(static_cast<size_t>(n) * static_cast<size_t>(n) / 2 + 1) {}
  float& at(int i, int j) {
    if (i < j) std::swap(i, j);
    return d_[static_cast<size_t>(i) * static_cast<size_t>(i - 1) / 2 + static_cast<size_t>(j)];
  }

 private:
  std::vector<float> d_;
};

int root(std::vector<int>& parent, int i) {
  while (parent[static_cast<size_t>(i)] != i)
    i = parent[static_cast<size_t>(i)] = parent[static_cast<size_t>(parent[static_cast<size_t>(i)])];
  return i;
}

}  // namespace

std::vector<Merge> cluster(const std::vector<float>& x, int n, int dim, int threads) {
  std::vector<Merge> merges;
  if (n < 2) return merges;
  Triangle d(n);  // what a merge adds to the scatter: n_a n_b / (n_a + n_b) times the squared distance of the means
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16)
  for (int i = 1; i < n; ++i)
    for (int j = 0; j < i; ++j)
      d.at(i, j) = 1 - dot(x.data() + static_cast<long>(i) * dim, x.data() + static_cast<long>(j) * dim, dim);
  std::vector<int> live(static_cast<size_t>(n)), chain;
  std::vector<float> size(static_cast<size_t>(n), 1), length(static_cast<size_t>(n), 1), inside(static_cast<size_t>(n));
  std::iota(live.begin(), live.end(), 0);
  while (live.size() > 1) {
    if (chain.empty()) chain.push_back(live[0]);
    const int a = chain.back(), before = chain.size() > 1 ? chain[chain.size() - 2] : -1;
    int b = before;  // on a tie the chain turns back, so that it ends
    float nearest = before < 0 ? std::numeric_limits<float>::max() : d.at(a, before);
    for (int c : live)
      if (c != a && d.at(a, c) < nearest) nearest = d.at(a, b = c);
    if (b != before) {
      chain.push_back(b);
      continue;
    }
    const float na = size[static_cast<size_t>(a)], nb = size[static_cast<size_t>(b)], chance = 1 / na + 1 / nb;
    float &la = length[static_cast<size_t>(a)], &lb = length[static_cast<size_t>(b)];
    const float product = (la + lb - nearest * chance) / 2, cosine = product / std::sqrt(std::max(la * lb, 1e-12F));
    float& within = inside[static_cast<size_t>(b)];
    within = std::max({within, inside[static_cast<size_t>(a)], (1 - cosine) / (1 + kDoubt * chance)});
    merges.push_back({a, b, within});
    lb = (na * na * la + nb * nb * lb + 2 * na * nb * product) / ((na + nb) * (na + nb));
    for (int c : live)  // Lance and Williams 1967; b goes on as the union
      if (const float nc = size[static_cast<size_t>(c)]; c != a && c != b)
        d.at(b, c) = ((na + nc) * d.at(a, c) + (nb + nc) * d.at(b, c) - nc * nearest) / (na + nb + nc);
    size[static_cast<size_t>(b)] = na + nb;
    live.erase(std::find(live.begin(), live.end(), a));
    chain.resize(chain.size() - 2);
  }
  std::stable_sort(merges.begin(), merges.end(), [](const Merge& p, const Merge& q) { return p.distance < q.distance; });
  return merges;
}

std::vector<int> cut(const std::vector<Merge>& merges, int n, float distance) {
  std::vector<int> parent(static_cast<size_t>(n)), label(static_cast<size_t>(n), -1), out;
  std::iota(parent.begin(), parent.end(), 0);
  for (const Merge& m : merges)
    if (m.distance <= distance) parent[static_cast<size_t>(root(parent, m.a))] = root(parent, m.b);
  int count = 0;
  for (int i = 0; i < n; ++i) {
    int& l = label[static_cast<size_t>(root(parent, i))];
    if (l < 0) l = count++;
    out.push_back(l);
  }
  return out;
}

std::vector<std::vector<int>> branches(const std::vector<Merge>& merges, int n, size_t last) {
  std::vector<int> parent(static_cast<size_t>(n));
  std::vector<std::vector<int>> members, found;
  std::iota(parent.begin(), parent.end(), 0);
  for (int i = 0; i < n; ++i) members.push_back({i});
  for (size_t i = 0; i < merges.size(); ++i) {
    const int a = root(parent, merges[i].a), b = root(parent, merges[i].b);
    std::vector<int>&from = members[static_cast<size_t>(a)], &to = members[static_cast<size_t>(b)];
    if (i + last >= merges.size()) found.insert(found.end(), {from, to});
    to.insert(to.end(), from.begin(), from.end());
    from.clear();
    parent[static_cast<size_t>(a)] = b;
  }
  return found;
}

}  // namespace diarizer
