#include "moca/procedural/asset_builder.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace moca::procedural {
namespace {

TEST(Random, StaysInItsRangesAndReachesTheirEnds) {
  Random random(3);
  std::set<int> seen;
  for (int i = 0; i < 2000; ++i) {
    const float value = random.uniform(-0.5F, 2.0F);
    EXPECT_GE(value, -0.5F);
    EXPECT_LT(value, 2.0F);
    seen.insert(random.integer(-1, 2));
  }
  EXPECT_EQ(seen, (std::set<int>{-1, 0, 1, 2}));
}

TEST(DrawFeatures, AddsUpExactlyWithinTheBounds) {
  const std::vector<Feature> features = {
      {.step = 4, .most = 2}, {.step = 2, .most = 3, .least = 1}, {.step = 5, .most = 1}};
  Random random(1);
  for (const int count : {2, 4, 6, 7, 10, 11, 15, 17, 19}) {
    const std::vector<int> times = draw_features(count, features, random);
    int sum = 0;
    for (size_t i = 0; i < features.size(); ++i) {
      EXPECT_GE(times[i], features[i].least);
      EXPECT_LE(times[i], features[i].most);
      sum += times[i] * features[i].step;
    }
    EXPECT_EQ(sum, count);
  }
}

TEST(DrawFeatures, RefusesACountThatNothingFills) {
  Random random(1);
  EXPECT_THROW(draw_features(3, {{.step = 2, .most = 4}}, random), std::logic_error);
  EXPECT_THROW(draw_features(9, {{.step = 2, .most = 2}, {.most = 4}}, random), std::logic_error);
  EXPECT_THROW(draw_features(1, {{.step = 2, .most = 2, .least = 1}}, random), std::logic_error);
}

TEST(DrawFeatures, NeverDrawsAWeightOfNothing) {
  Random random(5);
  for (int i = 0; i < 50; ++i) {
    const std::vector<int> times =
        draw_features(3, {{.most = 3, .weight = 0}, {.most = 3, .weight = 1}}, random);
    EXPECT_EQ(times, (std::vector<int>{0, 3}));
  }
}

TEST(AssetBuilder, NumbersOnlyRolesThatRepeat) {
  AssetBuilder builder(1);
  builder.add("seat", Paint::kRed, box(Vec3::Constant(0.4F), Vec3::Zero()));
  builder.add_pair("leg", Paint::kBlue, box(Vec3::Constant(0.1F), Vec3(0.3F, -0.5F, 0)));
  const std::vector<ProceduralComponent> components = builder.finish();
  ASSERT_EQ(components.size(), 3U);
  EXPECT_EQ(components[0].name, "seat");
  EXPECT_EQ(components[1].name, "leg_1");
  EXPECT_EQ(components[2].name, "leg_2");
  EXPECT_FLOAT_EQ(components[1].primitive.center.x(), -components[2].primitive.center.x());
}

TEST(AssetBuilder, ThickensWhatIsTooThinAndStillFillsTheFrame) {
  AssetBuilder builder(1);
  builder.add("pole", Paint::kRed, cylinder(0.001F, 0.5F, Vec3(0, 0.5F, 0)));
  builder.add("flag", Paint::kBlue, box(Vec3(0.2F, 0.1F, 0.001F), Vec3(0.2F, 0.9F, 0)));
  const std::vector<ProceduralComponent> components = builder.finish();
  EXPECT_NEAR(components[0].primitive.radius, kMinStickRadius, 1e-4F);
  EXPECT_NEAR(2 * components[1].primitive.half_size.z(), kMinPlateThickness, 1e-4F);
  EXPECT_NEAR(bounds_of(components[0].primitive).high.y(), kLongestSide / 2, 1e-4F);
}

TEST(Stick, ReachesFromOneEndToTheOther) {
  const Vec3 from(0.1F, 0.2F, 0.3F);
  const Vec3 to(-0.4F, 0.9F, -0.2F);
  for (const StickStyle style :
       {StickStyle::kRound, StickStyle::kSquare, StickStyle::kTapered, StickStyle::kHexagonal}) {
    const Primitive made = stick(style, from, to, 0.08F);
    const Vec3 beyond = 0.01F * (to - from).normalized();
    EXPECT_NEAR(signed_distance(made, from), 0.0F, 1e-5F);
    EXPECT_NEAR(signed_distance(made, to), 0.0F, 1e-5F);
    EXPECT_GT(signed_distance(made, (from + to) / 2.0F), 0.06F);
    EXPECT_NEAR(signed_distance(made, to + beyond), -0.01F, 1e-5F);
  }
}

TEST(Spread, IsSymmetricAndFillsItsWidth) {
  EXPECT_FLOAT_EQ(spread(0, 1, 0.7F), 0.0F);
  EXPECT_FLOAT_EQ(spread(0, 4, 0.7F), -0.7F);
  EXPECT_FLOAT_EQ(spread(3, 4, 0.7F), 0.7F);
  EXPECT_FLOAT_EQ(spread(1, 4, 0.7F), -spread(2, 4, 0.7F));
}

}  // namespace
}  // namespace moca::procedural
