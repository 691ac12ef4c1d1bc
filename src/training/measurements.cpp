#include "moca/training/measurements.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "moca/core/transfer.h"

namespace moca::training {
namespace {

constexpr size_t kMostUnread = 4096;  // each takes memory of the device

}  // namespace

void Measurements::add(const std::string& name, double value, double count) {
  const size_t place = std::ranges::find(names_, name) - names_.begin();
  TORCH_CHECK(place < names_.size(), "nothing called ", name, " is measured");
  sums_[place] += value * count;
  sums_[names_.size() + place] += count;
}

void Measurements::add(const std::string& name, const at::Tensor& value) {
  unread_names_.push_back(name);
  unread_.push_back(value.detach());
  if (unread_.size() == kMostUnread) {
    read();
  }
}

void Measurements::read() {
  const auto values = unread_.empty() ? at::Tensor() : to_host(at::stack(unread_));
  for (size_t i = 0; i < unread_.size(); ++i) {
    add(unread_names_[i], values[static_cast<int64_t>(i)].item<double>());
  }
  unread_names_.clear();
  unread_.clear();
}

NamedValues Measurements::take(distributed::ProcessGroup& group) {
  if (names_.empty()) {
    return {};
  }
  read();
  const auto sums = group.sum(sums_, "measurements");
  std::ranges::fill(sums_, 0.0);
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
