// Airplanes, flying along +X, wings along Z.
#include <cmath>
#include <numbers>

#include "families.h"

namespace moca::procedural {
namespace {

struct Airplane : AssetBuilder {
  void build() {
    side_axis = 2;
    const Primitive hull = is_tapered ? cone(kTaper * radius, radius, half_length, Vec3::Zero())
                                      : capsule(radius, half_length - radius, Vec3::Zero());
    add("fuselage", kGrey, turned(hull, 2, -90.0F));
    add_wings(count == 2);
    add_on_wings();
    add_tail();
    add_nose();
    add_on_fuselage();
  }

  static constexpr float kTaper = 0.6F;  // of the tail's radius to the nose's

  float hull_radius(float x) {
    const float behind = 0.5F - 0.5F * x / half_length;  // 0 at the nose, 1 at the tail
    return is_tapered ? radius * (1.0F - (1.0F - kTaper) * behind) : radius;
  }

  // A point on the middle line of the wing at +Z, `distance` from its root.
  Vec3 on_wing(float distance) {
    const float hull = hull_radius(0.05F);
    const float side = std::sqrt(hull * hull - wing_y * wing_y);
    // A swept wing's trailing corner reaches further in than its middle line.
    const float inwards = 0.6F * chord * std::sin(sweep * std::numbers::pi_v<float> / 180.0F);
    const Vec3 root(0.05F, wing_y, side - 0.03F + inwards);
    return root + turn_about(1, -sweep) * Vec3(0, 0, distance);
  }

  void add_wings(bool in_one_piece) {
    if (in_one_piece) {
      add("wing", kRed, box({chord, 0.05F, span}, {0.05F, hull_radius(0.05F) + 0.03F, 0}));
      return;
    }
    add_pair("wing", kRed,
             turned(box({chord, 0.05F, span / 2.0F}, on_wing(span / 2.0F)), 1, -sweep));
    if (biplane) {
      const float y = radius + 0.3F;
      add("upper_wing", kOrange, box({chord, 0.05F, span}, {0.05F, y, 0}));
      for (const float x : {0.12F, -0.02F}) {
        const Vec3 foot(x, wing_y + 0.045F, 0.75F * span);
        add_pair("wing_strut", kTeal, stick(kRound, foot, {x, y - 0.045F, foot.z()}, 0.045F));
      }
    }
  }

  void add_on_wings() {
    const bool are_jets = random.chance(0.5F);
    for (int i = 0; i < engine_pairs; ++i) {
      const float along = engine_pairs == 1 ? 0.45F : 0.3F + 0.35F * i;
      const Vec3 at = on_wing(along * span) + Vec3(0.1F, -0.14F, 0);
      const Primitive engine = are_jets ? cone(0.085F, 0.11F, 0.17F, at) : capsule(0.1F, 0.12F, at);
      add_pair(engine_pairs, turned(engine, 2, -90.0F));
    }
    add_pair(winglets, box({0.7F * chord, 0.1F, 0.04F}, on_wing(span - 0.05F) + up(0.14F)));
    add_pair(tanks, turned(capsule(0.08F, 0.14F, on_wing(span + 0.07F)), 2, -90.0F));
  }

  void add_tail() {
    const float x = -half_length + 0.16F;
    const float hull = hull_radius(x);
    add(fin, trapezoid({0.16F, 0.17F, 0.045F}, 0.08F, {x, hull + 0.14F, 0}));
    add_pair(tailplane, box({0.11F, 0.045F, 0.16F}, {x, 0, 0.75F * hull + 0.16F}));
  }

  void add_nose() {
    add(spinner, turned(cone(0.1F, 0.02F, 0.09F, {half_length + 0.07F, 0, 0}), 2, -90.0F));
    for (int i = 0; i < blade_pairs; ++i) {
      for (const float turn : {0.0F, 180.0F}) {
        const Eigen::Matrix3f rotation = turn_about(0, turn + 90.0F * i);
        const Vec3 at = rotation * Vec3(half_length + 0.02F, 0.19F, 0);
        add(blade_pairs, rotated(box({0.04F, 0.15F, 0.05F}, at), rotation));
      }
    }
  }

  void add_on_fuselage() {
    const Vec3 behind_nose(0.55F * half_length, hull_radius(0.55F * half_length) + 0.04F, 0);
    add(cockpit, turned(capsule(0.1F, 0.1F, behind_nose), 2, 90.0F));
    for (int i = 0; i < windows; ++i) {
      const int place = i / 2;
      const float x = 0.4F * half_length - 0.17F * place;
      const float side = i % 2 == 0 ? 1.0F : -1.0F;
      const Vec3 out = turn_about(0, -side * 35.0F) * Vec3(0, 0, side * (hull_radius(x) + 0.01F));
      add(windows, sphere(0.055F, out + Vec3(x, 0, 0)));
    }
    const float front = 0.6F * half_length;
    const float back = -0.2F;
    const auto wheel = [](const Vec3& at) { return turned(cylinder(0.11F, 0.05F, at), 0, 90.0F); };
    add(gear, wheel({front, -hull_radius(front) - 0.1F, 0}));
    add_pair(gear, wheel({back, -hull_radius(back) - 0.07F, 0.5F * radius}));
  }

  Feature& fin = feature("fin", kBlue, {.weight = 4});
  Feature& tailplane = feature("tailplane", kGreen, {.step = 2, .weight = 3});
  Feature& engine_pairs = feature("engine", kNavy, {.step = 2, .most = 2, .weight = 2});
  Feature& spinner = feature("spinner", kYellow, {.weight = 0.5F});
  Feature& blade_pairs = feature("blade", kPink, {.step = 2, .most = 2, .weight = 0.7F});
  Feature& gear = feature("wheel", kDark, {.step = 3, .weight = 0.7F});
  Feature& windows = feature("window", kSky, {.most = 8, .weight = 0.6F});
  Feature& winglets = feature("winglet", kPurple, {.step = 2, .weight = 0.6F});
  Feature& cockpit = feature("cockpit", kLime);
  Feature& biplane = feature({.step = 5, .weight = 0.5F});
  Feature& tanks = feature("tank", kBrown, {.step = 2, .weight = 0.4F});

  const int num_extra = draw_plan(3);
  const float half_length = random.uniform(0.8F, 0.95F);
  const float radius = random.uniform(0.15F, 0.22F);  // of the fuselage
  const float span = random.uniform(0.6F, 0.85F);     // of one wing
  const float chord = random.uniform(0.15F, 0.24F);   // half the wing's width
  const float wing_y = random.uniform(-0.5F, 0.3F) * radius;
  const float sweep = biplane ? 0.0F : random.uniform(0.0F, 25.0F);  // degrees backwards
  const bool is_tapered = random.chance(0.3F);                       // towards the tail
};

}  // namespace

Components make_airplane(const AssetBuilder& start) { return made_by<Airplane>(start); }

}  // namespace moca::procedural
