#include "moca/dit/component_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/dit/small_dit.h"
#include "tests/support/tensor_matchers.h"

namespace moca::dit {
namespace {

using testing::bit_equal;

// Five assets of 2, 0, 3, 2 and 1 components, not all in the first places.
at::Tensor example_mask() {
  return at::tensor({1, 0, 1, 0,  //
                     0, 0, 0, 0,  //
                     0, 1, 1, 1,  //
                     1, 1, 0, 0,  //
                     0, 0, 0, 1},
                    at::kLong)
      .view({5, 4})
      .to(at::kBool);
}

std::vector<int64_t> numbers(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<int64_t>(), tensor.const_data_ptr<int64_t>() + tensor.numel()};
}

TEST(ComponentLayout, OrdersAssetsByTheirNumberOfComponents) {
  const ComponentLayout layout(example_mask());
  EXPECT_EQ(layout.num_assets, 5);
  EXPECT_EQ(layout.max_components, 4);
  EXPECT_THAT(numbers(layout.asset_order), ::testing::ElementsAre(4, 0, 3, 2));
  EXPECT_THAT(numbers(layout.component_rows), ::testing::ElementsAre(19, 0, 2, 12, 13, 9, 10, 11));
  EXPECT_THAT(numbers(layout.of_components(at::arange(5).unsqueeze(1)).flatten()),
              ::testing::ElementsAre(4, 0, 0, 3, 3, 2, 2, 2));
}

TEST(ComponentLayout, GroupsCoverThePackedRowsWithoutOverlap) {
  const ComponentLayout layout(example_mask());
  ASSERT_EQ(layout.groups.size(), 3U);
  int64_t component = 0;
  int64_t asset = 0;
  for (const auto& group : layout.groups) {
    EXPECT_EQ(group.first_component, component);
    EXPECT_EQ(group.first_asset, asset);
    component += group.num_assets * group.components_per_asset;
    asset += group.num_assets;
  }
  EXPECT_EQ(component, layout.component_rows.numel());
  EXPECT_EQ(asset, layout.asset_order.numel());
}

TEST(ComponentLayout, UnpacksWhatItPackedWithZerosWhereAbsent) {
  const auto mask = example_mask();
  const ComponentLayout layout(mask);
  const auto padded = random_tensor({5, 4, 3, 2});
  const auto packed = layout.pack(padded);
  EXPECT_EQ(packed.sizes(), at::IntArrayRef({8, 3, 2}));
  EXPECT_TRUE(bit_equal(layout.unpack(packed), padded * mask.view({5, 4, 1, 1})));
}

TEST(ComponentLayout, AGroupSeesTheComponentsOfItsAssetsTogether) {
  const ComponentLayout layout(example_mask());
  const auto padded = random_tensor({5, 4, 2});
  const auto pairs = layout.groups[1].of_components(layout.pack(padded));  // assets 0 and 3
  ASSERT_EQ(pairs.sizes(), at::IntArrayRef({2, 2, 2}));
  EXPECT_TRUE(bit_equal(pairs[0][1], padded[0][2]));
  EXPECT_TRUE(bit_equal(pairs[1][0], padded[3][0]));
  const auto per_asset = random_tensor({5, 6}).index_select(0, layout.asset_order);
  EXPECT_TRUE(bit_equal(layout.groups[1].of_assets(per_asset), per_asset.narrow(0, 1, 2)));
}

TEST(ComponentLayout, GradientsComeBackToTheComponentsThatArePresent) {
  const auto mask = example_mask();
  const ComponentLayout layout(mask);
  auto padded = random_tensor({5, 4, 2}).requires_grad_();
  layout.unpack(2.0 * layout.pack(padded)).sum().backward();
  EXPECT_TRUE(bit_equal(padded.grad(), 2.0 * mask.unsqueeze(-1).expand({5, 4, 2}).to(at::kFloat)));
}

TEST(ComponentLayout, NeedsAComponent) {
  EXPECT_THROW(ComponentLayout(at::zeros({2, 3}, at::kBool)), c10::Error);
}

}  // namespace
}  // namespace moca::dit
