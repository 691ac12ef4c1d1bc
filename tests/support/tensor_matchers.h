#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace moca::testing {

// Within `tolerance` * max(1, largest |expected|), wherever they are; explains shape first, then
// the worst element.
inline ::testing::AssertionResult all_close(const at::Tensor& actual, const at::Tensor& expected,
                                            double tolerance) {
  if (actual.sizes() != expected.sizes()) {
    return ::testing::AssertionFailure()
           << "shape " << actual.sizes() << " instead of " << expected.sizes();
  }
  if (actual.numel() == 0) {
    return ::testing::AssertionSuccess();
  }
  const auto reference = expected.detach().cpu().to(at::kDouble);
  const auto difference = (actual.detach().cpu().to(at::kDouble) - reference).abs().flatten();
  const double scale = std::max(1.0, reference.abs().max().item<double>());
  const double worst = difference.max().item<double>();
  if (worst <= tolerance * scale) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << "element " << difference.argmax().item<int64_t>() << " is off by " << worst
         << ", allowed " << tolerance * scale;
}

inline ::testing::AssertionResult bit_equal(const at::Tensor& actual, const at::Tensor& expected) {
  if (at::equal(actual.cpu(), expected.cpu())) {
    return ::testing::AssertionSuccess();
  }
  return all_close(actual, expected, 0.0) ? ::testing::AssertionFailure() << "differ in NaN"
                                          : all_close(actual, expected, 0.0);
}

}  // namespace moca::testing
