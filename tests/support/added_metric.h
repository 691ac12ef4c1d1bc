#pragma once

#include <utility>

#include "moca/evaluation/metric.h"

namespace moca::testing {

// A metric of a user's own, while this lives.
class AddedMetric {
 public:
  explicit AddedMetric(evaluation::Metric metric) {
    evaluation::metrics().push_back(std::move(metric));
  }
  ~AddedMetric() { evaluation::metrics().pop_back(); }
  AddedMetric(const AddedMetric&) = delete;
  AddedMetric& operator=(const AddedMetric&) = delete;
};

}  // namespace moca::testing
