#pragma once

#include <deque>
#include <initializer_list>
#include <map>
#include <random>

#include "moca/procedural/procedural_assets.h"

namespace moca::procedural {

// Random numbers that are the same on every standard library (std's distributions are not).
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  float uniform(float low, float high);
  Vec3 uniform(const Vec3& low, const Vec3& high);  // draws Z first and X last
  int integer(int low, int high);                   // both ends included
  bool chance(float probability) { return uniform(0, 1) < probability; }
  // One of several, all as likely.
  template <typename T>
  T choice(std::initializer_list<T> choices) {
    return choices.begin()[integer(0, static_cast<int>(choices.size()) - 1)];
  }

 private:
  std::mt19937_64 engine_;
};

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

// Something a family may add `most` times, `step` components each time, at least `least` times.
struct Feature {
  int step = 1;
  int most = 1;
  int least = 0;
  float weight = 1;  // how readily it is drawn, relative to the others
  int times = 0;     // that it is there
  // Of its components, if they have one role.
  std::string_view role = {};
  Paint paint = {};

  operator int() const { return times; }  // NOLINT(google-explicit-constructor): one reads it only
};

// A deque does not move what it holds: a family keeps references to its features.
using Features = std::deque<Feature>;

// Adds to each feature's times so that the new components are `count` exactly, and takes as many
// from what it may be drawn at most. Throws std::logic_error when no such numbers exist.
void draw_features(int count, Features& features, Random& random);

enum class StickStyle { kRound, kSquare, kTapered, kHexagonal };

// A component before it is numbered and placed in the frame.
struct Part {
  std::string_view role;
  Paint paint;
  Primitive primitive;
};

// Gathers the components of one asset. A family derives from it; its members are what was drawn
// for the asset.
class AssetBuilder {
 public:
  using enum StickStyle;

  AssetBuilder(const Random& start, int wanted) : random(start), count(wanted) {}

  // All components of a role share one colour: the paint, varied a little from asset to asset.
  void add(std::string_view role, Paint paint, const Primitive& primitive);
  // The primitive and its mirror image on the other side.
  void add_pair(std::string_view role, Paint paint, const Primitive& primitive);
  // The same in the role of a feature, where the feature is there.
  void add(const Feature& feature, const Primitive& primitive);
  void add_pair(const Feature& feature, const Primitive& primitive);
  // Boards of one height side by side along Z, which share the half size, `gap` apart.
  void add_boards(const Feature& boards, const Vec3& half_size, float y, float gap);
  // The kind of this index, counted round.
  void add_kind(int index, std::initializer_list<Part> kinds);

  // Makes a feature of the family, to be drawn in the order in which they were made.
  Feature& feature(const Feature& made) { return features_.emplace_back(made); }
  Feature& feature(std::string_view role, Paint paint, Feature made = {});
  // Draws how often each feature is there beside a core of `num_core` components, and returns how
  // many components they add. A member is initialised with it where members that follow, as the
  // sizes, are drawn after the features or depend on them.
  int draw_plan(int num_core);
  StickStyle draw_stick_style() { return random.choice({kRound, kSquare, kTapered, kHexagonal}); }

  // The components named, normalised and nowhere thinner than the limits.
  std::vector<ProceduralComponent> finish();

  Random random;
  const int count;    // of the asset's components
  int side_axis = 0;  // that points to the side: pairs are mirrored along it

 private:
  // What the components of a role share.
  struct Role {
    Vec3 color = Vec3::Zero();
    int total = 0;
    int numbered = 0;
  };

  Features features_;
  std::map<std::string, Role> roles_;
  std::vector<ProceduralComponent> components_;
};

// A stick of half width `radius` from `from` to `to` (wide end at `to` where it tapers).
Primitive stick(StickStyle style, const Vec3& from, const Vec3& to, float radius);

// Rotation by `degrees` about coordinate axis 0, 1 or 2.
Eigen::Matrix3f turn_about(int axis, float degrees);
inline Primitive turned(const Primitive& primitive, int axis, float degrees) {
  return rotated(primitive, turn_about(axis, degrees));
}

// A vector of this length, turned about Y from +Z, and one upwards.
Vec3 around(float degrees, float length);
inline Vec3 up(float length) { return {0, length, 0}; }

// One of the four corners (+-x, 0, +-z), those in front (+z) first.
inline Vec3 corner(int index, float x, float z) {
  return {index % 2 == 0 ? x : -x, 0, index < 2 ? z : -z};
}

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

}  // namespace moca::procedural
