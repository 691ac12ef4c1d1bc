#include "src/procedural/asset_builder.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <map>
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

// The C++ standard fixes the 10,000th number of std::mt19937_64 with its default seed, 5489, as
// 9981545732273789042: whatever the compiler, a seed gives the same assets.
TEST(Random, IsTheStandardsGenerator) {
  Random whole(5489);
  Random fraction(5489);
  for (int i = 1; i < 10000; ++i) {
    whole.integer(0, 9);
    fraction.uniform(0, 1);
  }
  EXPECT_EQ(whole.integer(0, 999), 42);
  EXPECT_NEAR(fraction.uniform(0, 1), 9981545732273789042.0 * 0x1p-64, 0x1p-24);
}

// The order in which a compiler evaluates arguments must not decide what a seed makes.
TEST(Random, DrawsAVectorFromItsLastCoordinateToItsFirst) {
  Random whole(7);
  Random single(7);
  const Vec3 drawn = whole.uniform({1, 2, 3}, {2, 4, 6});
  EXPECT_EQ(drawn.z(), single.uniform(3, 6));
  EXPECT_EQ(drawn.y(), single.uniform(2, 4));
  EXPECT_EQ(drawn.x(), single.uniform(1, 2));
}

TEST(Random, ChoosesAnyOfAList) {
  Random random(3);
  std::set<int> seen;
  for (int i = 0; i < 200; ++i) {
    seen.insert(random.choice({4, 7, 9}));
  }
  EXPECT_EQ(seen, (std::set<int>{4, 7, 9}));
}

TEST(Random, ChanceComesTrueAsOftenAsItSays) {
  Random random(8);
  int num_true = 0;
  for (int i = 0; i < 10000; ++i) {
    num_true += random.chance(0.3F) ? 1 : 0;
  }
  EXPECT_NEAR(num_true / 10000.0, 0.3, 0.02);  // four standard deviations
  EXPECT_FALSE(Random(8).chance(0));
  EXPECT_TRUE(Random(8).chance(1));
}

std::vector<int> times_drawn(int count, Features features, Random& random) {
  draw_features(count, features, random);
  std::vector<int> times;
  for (const Feature& feature : features) {
    times.push_back(feature.times);
  }
  return times;
}

void expect_filled(int count, const Features& features, const std::vector<int>& times) {
  int sum = 0;
  for (size_t i = 0; i < features.size(); ++i) {
    EXPECT_GE(times[i], features[i].least);
    EXPECT_LE(times[i], features[i].most);
    sum += times[i] * features[i].step;
  }
  EXPECT_EQ(sum, count);
}

TEST(DrawFeatures, AddsUpExactlyWithinTheBounds) {
  const Features features = {
      {.step = 4, .most = 2}, {.step = 2, .most = 3, .least = 1}, {.step = 5, .most = 1}};
  Random random(1);
  for (const int count : {2, 4, 6, 7, 10, 11, 15, 17, 19}) {
    expect_filled(count, features, times_drawn(count, features, random));
  }
}

TEST(DrawFeatures, RefusesACountThatNothingFills) {
  Random random(1);
  EXPECT_THROW(times_drawn(3, {{.step = 2, .most = 4}}, random), std::logic_error);
  EXPECT_THROW(times_drawn(9, {{.step = 2, .most = 2}, {.most = 4}}, random), std::logic_error);
  EXPECT_THROW(times_drawn(1, {{.step = 2, .most = 2, .least = 1}}, random), std::logic_error);
}

// Whether some numbers of times of features `from`, ... add up to `count`, by trying them all.
bool can_fill(int count, const Features& features, size_t from = 0) {
  if (from == features.size()) {
    return count == 0;
  }
  for (int times = features[from].least; times <= features[from].most; ++times) {
    if (can_fill(count - times * features[from].step, features, from + 1)) {
      return true;
    }
  }
  return false;
}

TEST(DrawFeatures, FillsWheneverItCanBeDone) {
  Random random(2);
  int num_impossible = 0;
  for (int trial = 0; trial < 600; ++trial) {
    Features features(random.integer(1, 4));
    for (Feature& feature : features) {
      feature.step = random.integer(1, 5);
      feature.most = random.integer(0, 3);
      feature.least = random.integer(0, std::min(feature.most, 1));
      feature.weight = random.uniform(0.1F, 3);
    }
    const int count = random.integer(0, 14);
    if (!can_fill(count, features)) {
      EXPECT_THROW(times_drawn(count, features, random), std::logic_error);
      ++num_impossible;
      continue;
    }
    expect_filled(count, features, times_drawn(count, features, random));
  }
  EXPECT_GT(num_impossible, 50);
  EXPECT_LT(num_impossible, 550);
}

TEST(DrawFeatures, DrawsInProportionToTheWeights) {
  Random random(4);
  int num_first = 0;
  for (int i = 0; i < 4000; ++i) {
    num_first += times_drawn(1, {{.weight = 3}, {.weight = 1}}, random)[0];
  }
  EXPECT_NEAR(num_first / 4000.0, 0.75, 0.03);  // four standard deviations
}

TEST(DrawFeatures, NeverDrawsAWeightOfNothing) {
  Random random(5);
  for (int i = 0; i < 50; ++i) {
    const std::vector<int> times =
        times_drawn(3, {{.most = 3, .weight = 0}, {.most = 3, .weight = 1}}, random);
    EXPECT_EQ(times, (std::vector<int>{0, 3}));
  }
}

TEST(AssetBuilder, NumbersOnlyRolesThatRepeat) {
  AssetBuilder builder(Random(1), 2);
  builder.add("seat", kRed, box(Vec3::Constant(0.4F), Vec3::Zero()));
  builder.add_pair("leg", kBlue, box(Vec3::Constant(0.1F), Vec3(0.3F, -0.5F, 0)));
  const std::vector<ProceduralComponent> components = builder.finish();
  ASSERT_EQ(components.size(), 3U);
  EXPECT_EQ(components[0].name, "seat");
  EXPECT_EQ(components[1].name, "leg_1");
  EXPECT_EQ(components[2].name, "leg_2");
  EXPECT_FLOAT_EQ(components[1].primitive.center.x(), -components[2].primitive.center.x());
}

TEST(AssetBuilder, ThickensWhatIsTooThinAndStillFillsTheFrame) {
  AssetBuilder builder(Random(1), 2);
  builder.add("pole", kRed, cylinder(0.001F, 0.5F, Vec3(0, 0.5F, 0)));
  builder.add("flag", kBlue, box(Vec3(0.2F, 0.1F, 0.001F), Vec3(0.2F, 0.9F, 0)));
  const std::vector<ProceduralComponent> components = builder.finish();
  EXPECT_NEAR(components[0].primitive.radius, kMinStickRadius, 1e-4F);
  EXPECT_NEAR(2 * components[1].primitive.half_size.z(), kMinPlateThickness, 1e-4F);
  EXPECT_NEAR(bounds_of(components[0].primitive).high.y(), kLongestSide / 2, 1e-4F);
}

TEST(AssetBuilder, ThickensEveryShapeToTheLimits) {
  const Vec3 at = Vec3::Zero();
  const float thin = 0.001F;
  const Vec3 plate(0.3F, 0.3F, thin);
  // A thin shape and the distance of its centre to its surface when it is as thick as it must be.
  const std::vector<std::pair<Primitive, float>> cases = {
      {box(plate, at), kMinPlateThickness / 2},
      {trapezoid(plate, 0.2F, at), kMinPlateThickness / 2},
      {cylinder(thin, 0.3F, at), kMinStickRadius},
      {cylinder(0.3F, thin, at), kMinPlateThickness / 2},
      {capsule(thin, 0.3F, at), kMinStickRadius},
      {sphere(thin, at), kMinStickRadius},
      {prism(thin, 0.3F, at), kMinStickRadius},
      {prism(0.3F, thin, at), kMinPlateThickness / 2},
      {cone(0.3F, 0.2F, thin, at), kMinPlateThickness / 2}};
  for (const auto& [primitive, depth] : cases) {
    AssetBuilder builder(Random(1), 2);
    builder.add("frame", kRed, box(Vec3::Constant(kLongestSide / 2), at));
    builder.add("thin", kBlue, primitive);
    const Primitive made = builder.finish()[1].primitive;
    EXPECT_NEAR(signed_distance(made, made.center), depth, 1e-5F)
        << "shape " << static_cast<int>(primitive.shape);
  }
  AssetBuilder builder(Random(1), 2);
  builder.add("frame", kRed, box(Vec3::Constant(kLongestSide / 2), at));
  builder.add("ring", kBlue, torus(2 * thin, thin, at));
  builder.add("spike", kGreen, cone(thin, 0, 0.3F, at));
  const std::vector<ProceduralComponent> components = builder.finish();
  EXPECT_NEAR(components[1].primitive.minor, kMinStickRadius, 1e-5F);
  EXPECT_GT(components[1].primitive.radius, components[1].primitive.minor);
  EXPECT_NEAR(components[2].primitive.radius, kMinStickRadius, 1e-5F);
}

TEST(AssetBuilder, DoesNotCareForTheUnitAndTheOrigin) {
  const auto finish = [](float unit, const Vec3& origin) {
    AssetBuilder builder(Random(9), 2);
    const auto place = [&](const Primitive& primitive) {
      return moved(scaled(primitive, unit), origin);
    };
    builder.add("body", kRed, place(box({0.5F, 0.3F, 0.4F}, {0, 0.3F, 0})));
    builder.add("ball", kBlue, place(sphere(0.2F, {0.1F, 0.8F, 0})));
    builder.add("thread", kTeal, place(cylinder(0.001F, 0.2F, {-0.2F, 0.8F, 0})));
    return builder.finish();
  };
  const std::vector<ProceduralComponent> metres = finish(1, Vec3::Zero());
  const std::vector<ProceduralComponent> feet = finish(3.28F, {5, -2, 1});
  for (size_t i = 0; i < metres.size(); ++i) {
    EXPECT_EQ(metres[i].color, feet[i].color);
    const Primitive& a = metres[i].primitive;
    const Primitive& b = feet[i].primitive;
    EXPECT_LT((a.center - b.center).norm(), 1e-5F);
    EXPECT_LT((a.half_size - b.half_size).norm(), 1e-5F);
    EXPECT_NEAR(a.radius, b.radius, 1e-5F);
    EXPECT_NEAR(a.half_height, b.half_height, 1e-5F);
  }
}

TEST(AssetBuilder, VariesAPaintALittleFromSeedToSeedButNotWithinARole) {
  std::vector<Vec3> colors;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    AssetBuilder builder(Random(seed), 2);
    builder.add_pair("leg", kGrey, sphere(0.1F, {0.4F, 0, 0}));
    builder.add("seat", kGrey, sphere(0.2F, Vec3::Zero()));
    const std::vector<ProceduralComponent> made = builder.finish();
    EXPECT_EQ(made[0].color, made[1].color);
    EXPECT_NE(made[0].color, made[2].color);
    colors.push_back(made[0].color);
  }
  Vec3 low = colors[0];
  Vec3 high = colors[0];
  for (const Vec3& color : colors) {
    low = low.cwiseMin(color);
    high = high.cwiseMax(color);
  }
  EXPECT_LE((high - low).maxCoeff(), 0.08F);
  EXPECT_GT((high - low).minCoeff(), 0.04F);
}

TEST(Paint, TellsAnyTwoRolesOfAFamilyApart) {
  const std::vector<Paint> paints = {kRed,  kOrange, kYellow, kLime,    kGreen,    kTeal, kSky,
                                     kBlue, kPurple, kPink,   kBrown,   kGrey,     kDark, kCyan,
                                     kNavy, kMaroon, kOlive,  kMagenta, kLavender, kMint, kCream};
  for (size_t i = 0; i < paints.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const Vec3 difference = Vec3(paints[i].data()) - Vec3(paints[j].data());
      // Both vary by up to 0.04 per channel.
      EXPECT_GT(difference.norm(), 0.08F * std::sqrt(3.0F)) << i << " and " << j;
    }
  }
}

TEST(DrawPlan, AddsWhatDrawFeaturesDrawsToWhatIsThere) {
  const Features features = {
      {.step = 2, .most = 3}, {.weight = 2}, {.most = 4, .least = 1, .times = 5}};
  for (uint64_t seed = 0; seed < 20; ++seed) {
    AssetBuilder builder(Random(seed), 9);
    std::vector<int> planned;
    std::vector<const Feature*> made;
    for (const Feature& feature : features) {
      made.push_back(&builder.feature(feature));
    }
    EXPECT_EQ(builder.draw_plan(3), 6);
    for (const Feature* feature : made) {
      planned.push_back(*feature);
    }
    Random again(seed);
    const std::vector<int> times = times_drawn(6, features, again);
    EXPECT_EQ(planned, times);
    EXPECT_GE(planned[2], 5 + 1);
    EXPECT_EQ(2 * planned[0] + planned[1] + planned[2] - 5, 6);
  }
}

TEST(AssetBuilder, AddsAFeatureOnlyWhereItIsThere) {
  AssetBuilder builder(Random(1), 3);
  const Feature& wheel = builder.feature("wheel", kDark, {.times = 1});
  const Feature& horn = builder.feature("horn", kRed);
  builder.add_pair(horn, sphere(0.1F, {0.3F, 0, 0}));
  builder.add(horn, sphere(0.1F, Vec3::Zero()));
  builder.side_axis = 2;
  builder.add_pair(wheel, sphere(0.1F, {0.3F, 0, 0.4F}));
  const std::vector<ProceduralComponent> made = builder.finish();
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made[0].name, "wheel_1");
  EXPECT_EQ(made[1].name, "wheel_2");
  EXPECT_FLOAT_EQ(made[0].primitive.center.z(), -made[1].primitive.center.z());
  EXPECT_FLOAT_EQ(made[0].primitive.center.x(), made[1].primitive.center.x());
}

TEST(AssetBuilder, CountsKindsRound) {
  AssetBuilder builder(Random(1), 3);
  for (int i = 1; i < 4; ++i) {
    builder.add_kind(i, {{"ball", kRed, sphere(0.1F, Vec3::Zero())},
                         {"box", kBlue, box(Vec3::Constant(0.1F), Vec3::Zero())}});
  }
  std::vector<std::string> names;
  for (const ProceduralComponent& component : builder.finish()) {
    names.push_back(component.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"box_1", "ball", "box_2"}));
}

TEST(Strip, SharesTheWidthWithEqualGaps) {
  for (int count = 1; count <= 6; ++count) {
    float end = -0.9F - 0.02F;  // half a gap is left at either end
    for (int i = 0; i < count; ++i) {
      const Strip found = strip(i, count, 0.9F, 0.04F);
      EXPECT_NEAR(found.middle - found.half_width, end + 0.04F, 1e-6F);
      EXPECT_GT(found.half_width, 0);
      end = found.middle + found.half_width;
    }
    EXPECT_NEAR(end, 0.9F - 0.02F, 1e-6F);
  }
}

TEST(TurnAbout, IsRightHanded) {
  for (int axis = 0; axis < 3; ++axis) {
    const Eigen::Matrix3f quarter = turn_about(axis, 90.0F);
    const Vec3 next = Vec3::Unit((axis + 1) % 3);
    const Vec3 last = Vec3::Unit((axis + 2) % 3);
    EXPECT_LT((quarter * next - last).norm(), 1e-6F) << axis;
    EXPECT_LT((quarter * Vec3::Unit(axis) - Vec3::Unit(axis)).norm(), 1e-6F) << axis;
    EXPECT_NEAR(turn_about(axis, 73.0F).determinant(), 1.0F, 1e-6F);
    EXPECT_LT((turn_about(axis, 50.0F) * turn_about(axis, -50.0F) - Eigen::Matrix3f::Identity())
                  .cwiseAbs()
                  .maxCoeff(),
              1e-6F);
  }
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

TEST(Stick, MayPointStraightUpOrDown) {
  for (const StickStyle style :
       {StickStyle::kRound, StickStyle::kSquare, StickStyle::kTapered, StickStyle::kHexagonal}) {
    for (const float height : {0.6F, -0.6F}) {
      const Vec3 to(0.2F, height, 0.1F);
      const Primitive made = stick(style, Vec3(0.2F, 0, 0.1F), to, 0.08F);
      ASSERT_TRUE(made.rotation.allFinite());
      EXPECT_NEAR(made.rotation.determinant(), 1.0F, 1e-5F);
      EXPECT_NEAR(signed_distance(made, to), 0.0F, 1e-6F);
      EXPECT_NEAR(signed_distance(made, to + Vec3(0, height, 0)), -0.6F, 1e-5F);
    }
  }
}

TEST(Stick, TapersTowardsItsBeginning) {
  const Vec3 from(0, 0, 0);
  const Vec3 to(1, 0, 0);
  const Primitive made = stick(StickStyle::kTapered, from, to, 0.1F);
  EXPECT_GT(signed_distance(made, Vec3(0.8F, 0, 0)), signed_distance(made, Vec3(0.2F, 0, 0)));
  EXPECT_NEAR(bounds_of(made).high.z(), 0.12F, 1e-6F);
}

TEST(StickStyle, IsDrawnFromAllFour) {
  AssetBuilder builder(Random(1), 2);
  std::map<StickStyle, int> counts;
  for (int i = 0; i < 400; ++i) {
    ++counts[builder.draw_stick_style()];
  }
  EXPECT_EQ(counts.size(), 4U);
}

TEST(Spread, IsSymmetricAndFillsItsWidth) {
  EXPECT_FLOAT_EQ(spread(0, 1, 0.7F), 0.0F);
  EXPECT_FLOAT_EQ(spread(0, 4, 0.7F), -0.7F);
  EXPECT_FLOAT_EQ(spread(3, 4, 0.7F), 0.7F);
  EXPECT_FLOAT_EQ(spread(1, 4, 0.7F), -spread(2, 4, 0.7F));
}

}  // namespace
}  // namespace moca::procedural
