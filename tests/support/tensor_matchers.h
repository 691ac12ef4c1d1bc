#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace moca::testing {

// Within `tolerance` * max(1, largest |expected|); explains shape first, then the worst element.
inline ::testing::AssertionResult all_close(const at::Tensor& actual, const at::Tensor& expected,
                                            double tolerance) {
  if (actual.sizes() != expected.sizes()) {
    return ::testing::AssertionFailure()
           << "shape " << actual.sizes() << " instead of " << expected.sizes();
  }
  if (actual.numel() == 0) {
    return ::testing::AssertionSuccess();
  }
  const auto difference =
      (actual.detach().to(at::kDouble) - expected.detach().to(at::kDouble)).abs().flatten();
  const double scale = std::max(1.0, expected.detach().to(at::kDouble).abs().max().item<double>());
  const double worst = difference.max().item<double>();
  if (worst <= tolerance * scale) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << "element " << difference.argmax().item<int64_t>() << " is off by " << worst
         << ", allowed " << tolerance * scale;
}

inline ::testing::AssertionResult bit_equal(const at::Tensor& actual, const at::Tensor& expected) {
  if (at::equal(actual, expected)) {
    return ::testing::AssertionSuccess();
  }
  return all_close(actual, expected, 0.0) ? ::testing::AssertionFailure() << "differ in NaN"
                                          : all_close(actual, expected, 0.0);
}

}  // namespace moca::testing
