#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "moca/distributed/process_group.h"

namespace moca::training {

// In the order in which they are recorded.
using NamedValues = std::vector<std::pair<std::string, double>>;

// Means of named values over what happened since they were last taken, over all ranks.
class Measurements {
 public:
  // The names, alike on all ranks.
  explicit Measurements(const std::vector<std::string>& names)
      : names_(names), sums_(2 * names.size(), 0.0) {}

  void add(const std::string& name, double value, double count = 1.0);
  // value: one number, on any device; it is read when the means are taken.
  void add(const std::string& name, const at::Tensor& value);

  // The means, in the order of the names, without those of which nothing was added; starts anew.
  // All ranks call it together.
  NamedValues take(distributed::ProcessGroup& group);

 private:
  void read();

  std::vector<std::string> names_;
  std::vector<double> sums_;  // of values, then of counts
  std::vector<std::string> unread_names_;
  std::vector<at::Tensor> unread_;
};

}  // namespace moca::training
