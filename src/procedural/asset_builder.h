#pragma once

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
  int times = 0;     // that it is there

  operator int() const { return times; }  // NOLINT(google-explicit-constructor): one reads it only
};

// Numbers of times each feature appears so that the components add up to `count` exactly. Throws
// std::logic_error when no such numbers exist.
std::vector<int> draw_features(int count, const std::vector<Feature>& features, Random& random);

// A colour of a role: RGB in [0, 1].
using Paint = std::array<float, 3>;

// Far enough apart that an image tells the roles of a family apart.
inline constexpr Paint kRed = {0.85F, 0.18F, 0.18F};
inline constexpr Paint kOrange = {0.95F, 0.55F, 0.12F};
inline constexpr Paint kYellow = {0.93F, 0.84F, 0.22F};
inline constexpr Paint kLime = {0.60F, 0.82F, 0.25F};
inline constexpr Paint kGreen = {0.16F, 0.55F, 0.25F};
inline constexpr Paint kTeal = {0.10F, 0.62F, 0.62F};
inline constexpr Paint kSky = {0.50F, 0.76F, 0.94F};
inline constexpr Paint kBlue = {0.18F, 0.32F, 0.80F};
inline constexpr Paint kPurple = {0.54F, 0.26F, 0.70F};
inline constexpr Paint kPink = {0.94F, 0.56F, 0.74F};
inline constexpr Paint kBrown = {0.52F, 0.33F, 0.18F};
inline constexpr Paint kGrey = {0.62F, 0.62F, 0.64F};
inline constexpr Paint kDark = {0.20F, 0.20F, 0.24F};
inline constexpr Paint kCyan = {0.15F, 0.88F, 0.90F};
inline constexpr Paint kNavy = {0.08F, 0.08F, 0.48F};
inline constexpr Paint kMaroon = {0.45F, 0.05F, 0.20F};
inline constexpr Paint kOlive = {0.38F, 0.50F, 0.05F};
inline constexpr Paint kMagenta = {0.85F, 0.12F, 0.60F};
inline constexpr Paint kLavender = {0.75F, 0.68F, 0.95F};
inline constexpr Paint kMint = {0.62F, 0.94F, 0.74F};
inline constexpr Paint kCream = {0.96F, 0.88F, 0.66F};

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

// A stick of half width `radius` from `from` to `to` (wide end at `to` where it tapers).
Primitive stick(StickStyle style, const Vec3& from, const Vec3& to, float radius);

// Rotation by `degrees` about coordinate axis 0, 1 or 2.
Eigen::Matrix3f turn_about(int axis, float degrees);

// One of several boards side by side.
struct Strip {
  float middle = 0;
  float half_width = 0;
};

// `index`-th of `count` strips of equal width, `gap` apart, that share [-half, half] with half a
// gap left at either end.
Strip strip(int index, int count, float half, float gap);

// `index`-th of `count` positions spread evenly over [-half, half]; the middle for one.
float spread(int index, int count, float half);

// What a family derives from: it adds the components of one asset to a builder, and its members are
// what was drawn for the asset.
struct Maker {
  using enum StickStyle;

  AssetBuilder& builder;
  Random& random = builder.random();

  void add(std::string_view role, Paint paint, const Primitive& primitive) {
    builder.add(role, paint, primitive);
  }
  void add_pair(std::string_view role, Paint paint, const Primitive& primitive, int axis = 0) {
    builder.add_pair(role, paint, primitive, axis);
  }
  // Draws how many times more each feature is there, as `draw_features` does.
  void draw_plan(int count, const std::vector<Feature*>& plan);
  StickStyle draw_stick_style() { return static_cast<StickStyle>(random.integer(0, 3)); }
};

// A vector of this length, turned about Y from +Z.
Vec3 around(float degrees, float length);

}  // namespace moca::procedural
