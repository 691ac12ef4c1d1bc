#pragma once

#include <string>
#include <vector>

#include "moca/config/rules.h"

namespace moca::evaluation {

enum class Better { kLower, kHigher };

constexpr config::EnumNames<Better, 2> enum_names(Better) {
  return {{{"lower", Better::kLower}, {"higher", Better::kHigher}}};
}

// One value that a metric gives. Everything that writes or shows scores loops over them and knows
// no metric.
struct Score {
  std::string name;   // in JSON and logs: "f_score_0.1"
  std::string label;  // in tables: "F@0.1"; empty: JSON alone has it
  Better better = Better::kLower;
  double value = 0;
  std::string note;    // how this one was computed, for a terminal; means have none
  bool exists = true;  // false: there is nothing to score, and the value is 0 for means alone
};

using Scores = std::vector<Score>;

// The scores that tables show: those with a label.
Scores labelled(Scores scores);

// "Chamfer 0.0361  F@0.1 0.9720": what tables show, on one line.
std::string text_of(const Scores& scores);

// True if `a` is the worse value of the same score.
bool is_worse(const Score& a, const Score& b);

// Adds the `count`-th part of every score of `more` to the one of the same name: of `count` Scores
// the mean.
void add_share(const Scores& more, double count, Scores& sum);

double mean_of(const std::vector<double>& values);  // 0 for none
double median_of(std::vector<double> values);       // 0 for none

}  // namespace moca::evaluation
