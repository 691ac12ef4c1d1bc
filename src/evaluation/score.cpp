#include "moca/evaluation/score.h"

#include <algorithm>
#include <numeric>

#include "moca/core/text.h"

namespace moca::evaluation {

Scores labelled(Scores scores) {
  std::erase_if(scores, [](const Score& score) { return score.label.empty(); });
  return scores;
}

std::string text_of(const Scores& scores) {
  return joined(labelled(scores), "  ",
                [](const Score& score) { return score.label + formatted(" %.4f", score.value); });
}

bool is_worse(const Score& a, const Score& b) {
  return a.better == Better::kHigher ? a.value < b.value : a.value > b.value;
}

void add_share(const Scores& more, double count, Scores& sum) {
  for (const Score& score : more) {
    auto found = std::ranges::find(sum, score.name, &Score::name);
    if (found == sum.end()) {
      found = sum.insert(found, {score.name, score.label, score.better, 0, ""});
    }
    found->value += score.value / count;
  }
}

double mean_of(const std::vector<double>& values) {
  return values.empty() ? 0.0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

double median_of(std::vector<double> values) {
  if (values.empty()) {
    return 0.0;
  }
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

}  // namespace moca::evaluation
