#pragma once

#include <stdexcept>
#include <string>

#include "moca/evaluation/score.h"

namespace moca::evaluation {

// The value of the score with this name.
inline double value_of(const Scores& scores, const std::string& name) {
  for (const Score& score : scores) {
    if (score.name == name) {
      return score.value;
    }
  }
  throw std::out_of_range("no score is called " + name);
}

}  // namespace moca::evaluation
