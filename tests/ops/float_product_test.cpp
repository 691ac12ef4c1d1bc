#include "moca/ops/float_product.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <optional>
#include <vector>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::ops::float_product_test {
namespace {

using testing::all_close;

class Bf16Autocast {
 public:
  Bf16Autocast() {
    at::autocast::set_autocast_enabled(testing::device().type(), true);
    at::autocast::set_autocast_dtype(testing::device().type(), at::kBFloat16);
  }
  ~Bf16Autocast() { at::autocast::set_autocast_enabled(testing::device().type(), false); }
};

at::Tensor draw(at::IntArrayRef sizes, uint64_t index) {
  return testing::on_device(
      at::randn(sizes, generator_for(3, "float product test", index), at::TensorOptions()));
}

// A weight of a few rows, of many rows, and a batch of products.
struct Sizes {
  std::vector<int64_t> left, right;
};
const Sizes kSizes[] = {
    {{2, 3, 128}, {256, 128}}, {{9, 5, 128}, {256, 128}}, {{2, 3, 7, 16}, {2, 3, 9, 16}}};

at::Tensor exact(const at::Tensor& left, const at::Tensor& right) {
  return at::matmul(left.to(at::kDouble), right.to(at::kDouble).transpose(-2, -1));
}

TEST(FloatProduct, IsFloatsProductWhateverAutocastAndTheTypesSay) {
  for (const bool autocast : {false, true}) {
    for (const bool recorded : {false, true}) {
      for (const auto& sizes : kSizes) {
        for (const auto type : {at::kFloat, at::kBFloat16}) {
          const auto left = draw(sizes.left, 0).to(type).requires_grad_(recorded);
          const auto right = draw(sizes.right, 1).to(type);
          at::Tensor product;
          {
            std::optional<Bf16Autocast> scope;
            if (autocast) {
              scope.emplace();
            }
            product = float_product(left, right);
          }
          EXPECT_EQ(product.scalar_type(), at::kFloat);
          EXPECT_TRUE(all_close(product, exact(left, right), 1e-6));
        }
      }
    }
  }
}

TEST(FloatProduct, DifferentiatesInFloatUnderAutocast) {
  for (const auto& sizes : kSizes) {
    const auto left = draw(sizes.left, 0).requires_grad_();
    const auto right = draw(sizes.right, 1).requires_grad_();
    const auto expected = exact(left, right);
    const auto weights = draw(expected.sizes(), 2);
    const auto reference = torch::autograd::grad({(expected * weights).sum()}, {left, right});
    const Bf16Autocast scope;
    const auto gradients =
        torch::autograd::grad({(float_product(left, right) * weights).sum()}, {left, right});
    EXPECT_TRUE(all_close(gradients[0], reference[0], 1e-6));
    EXPECT_TRUE(all_close(gradients[1], reference[1], 1e-6));
  }
}

TEST(FloatProduct, OfDoublesIsDouble) {
  const auto left = draw({3, 8}, 0).to(at::kDouble), right = draw({5, 8}, 1).to(at::kDouble);
  EXPECT_TRUE(all_close(float_product(left, right), exact(left, right), 1e-14));
}

}  // namespace
}  // namespace moca::ops::float_product_test
