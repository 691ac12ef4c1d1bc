#include "moca/training/measurements.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "moca/core/transfer.h"

namespace moca::training {

Measurements::Measurements(const std::vector<std::string>& names)
    : names_(names), sums_(2 * names.size(), 0.0) {
  for (size_t i = 0; i < names_.size(); ++i) {
    places_.emplace(names_[i], i);
  }
}

void Measurements::add(const std::string& name, double value, double count) {
  const size_t place = places_.at(name);
  sums_[place] += value * count;
  sums_[names_.size() + place] += count;
}

void Measurements::add(const std::string& name, const at::Tensor& value) {
  unread_.emplace_back(name, value.detach());
}

void Measurements::read() {
  std::vector<at::Tensor> values;
  for (const auto& [name, value] : unread_) {
    values.push_back(value);
  }
  if (!values.empty()) {
    const auto read = to_host(at::stack(values));
    for (size_t i = 0; i < unread_.size(); ++i) {
      add(unread_[i].first, read[static_cast<int64_t>(i)].item<double>());
    }
    unread_.clear();
  }
}

NamedValues Measurements::take(distributed::ProcessGroup& group) {
  if (names_.empty()) {
    return {};
  }
  read();
  const auto sums = group.sum(sums_, "measurements");
  std::fill(sums_.begin(), sums_.end(), 0.0);
  NamedValues means;
  for (size_t i = 0; i < names_.size(); ++i) {
    const double count = sums[names_.size() + i];
    if (count > 0) {
      means.emplace_back(names_[i], sums[i] / count);
    }
  }
  return means;
}

}  // namespace moca::training
