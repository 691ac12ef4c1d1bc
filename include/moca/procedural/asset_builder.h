#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "moca/procedural/procedural_assets.h"

namespace moca::procedural {

// Random numbers that are the same on every standard library (std's distributions are not).
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  float uniform(float low, float high);
  int integer(int low, int high);  // both ends included
  bool chance(float probability) { return uniform(0, 1) < probability; }

 private:
  std::mt19937_64 engine_;
};

// Something a family may add `most` times, `step` components each time, at least `least` times.
struct Feature {
  int step = 1;
  int most = 1;
  int least = 0;
  float weight = 1;  // how readily it is drawn, relative to the others
};

// Numbers of times each feature appears so that the components add up to `count` exactly. Throws
// std::logic_error when no such numbers exist.
std::vector<int> draw_features(int count, const std::vector<Feature>& features, Random& random);

// The same as an array, for structured bindings.
template <size_t num_features>
std::array<int, num_features> draw_plan(int count,
                                        const std::array<Feature, num_features>& features,
                                        Random& random) {
  const std::vector<int> drawn = draw_features(count, {features.begin(), features.end()}, random);
  std::array<int, num_features> times{};
  std::copy(drawn.begin(), drawn.end(), times.begin());
  return times;
}

// Colours far enough apart that a picture tells the roles of a family apart.
enum class Paint {
  kRed,
  kOrange,
  kYellow,
  kLime,
  kGreen,
  kTeal,
  kSky,
  kBlue,
  kPurple,
  kPink,
  kBrown,
  kGrey,
  kDark,
  kCyan,
  kNavy,
  kMaroon,
  kOlive,
  kMagenta,
  kLavender,
  kMint,
  kCream,
};

// Gathers the components of one asset.
class AssetBuilder {
 public:
  explicit AssetBuilder(uint64_t seed) : random_(seed) {}

  Random& random() { return random_; }

  // All components of a role share one colour: the paint, varied a little from asset to asset.
  void add(std::string_view role, Paint paint, const Primitive& primitive);
  // The primitive and its mirror image through the plane where coordinate `axis` is 0.
  void add_pair(std::string_view role, Paint paint, const Primitive& primitive, int axis = 0);

  int size() const { return static_cast<int>(components_.size()); }

  // The components named, normalised and nowhere thinner than the limits.
  std::vector<ProceduralComponent> finish();

 private:
  Random random_;
  std::map<std::string, Vec3, std::less<>> colors_;
  std::vector<ProceduralComponent> components_;
};

enum class StickStyle { kRound, kSquare, kTapered, kHexagonal };
StickStyle draw_stick_style(Random& random);

// A stick of half width `radius` from `from` to `to` (wide end at `to` where it tapers).
Primitive stick(StickStyle style, const Vec3& from, const Vec3& to, float radius);

// Rotation by `degrees` about coordinate axis 0, 1 or 2.
Eigen::Matrix3f turn_about(int axis, float degrees);

// `index`-th of `count` positions spread evenly over [-half, half]; the middle for one.
float spread(int index, int count, float half);

}  // namespace moca::procedural
