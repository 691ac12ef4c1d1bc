// Airplanes, flying along +X, wings along Z.
#include <cmath>
#include <numbers>

#include "families.h"

namespace moca::procedural {
namespace {

struct Airplane : Maker {
  void build(int count) {
    draw(count);
    const Primitive hull = is_tapered ? cone(kTaper * radius, radius, half_length, Vec3::Zero())
                                      : capsule(radius, half_length - radius, Vec3::Zero());
    add("fuselage", kGrey, rotated(hull, turn_about(2, -90.0F)));
    add_wings(count == 2);
    add_on_wings();
    add_tail();
    add_nose();
    add_on_fuselage();
  }

  void draw(int count) {
    if (count > 2) {
      draw_plan(count - 3,
                {&has_fin, &has_tailplane, &num_engine_pairs, &has_spinner, &num_blade_pairs,
                 &has_gear, &num_windows, &has_winglets, &has_cockpit, &is_biplane, &has_tanks});
    }
    half_length = random.uniform(0.8F, 0.95F);
    radius = random.uniform(0.15F, 0.22F);
    span = random.uniform(0.6F, 0.85F);
    chord = random.uniform(0.15F, 0.24F);
    wing_y = random.uniform(-0.5F, 0.3F) * radius;
    sweep = is_biplane ? 0.0F : random.uniform(0.0F, 25.0F);
    is_tapered = random.chance(0.3F);
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
             rotated(box({chord, 0.05F, span / 2.0F}, on_wing(span / 2.0F)), turn_about(1, -sweep)),
             2);
    if (is_biplane) {
      const float y = radius + 0.3F;
      add("upper_wing", kOrange, box({chord, 0.05F, span}, {0.05F, y, 0}));
      for (const float x : {0.12F, -0.02F}) {
        const Vec3 foot(x, wing_y + 0.045F, 0.75F * span);
        add_pair("wing_strut", kTeal, stick(kRound, foot, {x, y - 0.045F, foot.z()}, 0.045F), 2);
      }
    }
  }

  void add_on_wings() {
    const Eigen::Matrix3f forward = turn_about(2, -90.0F);
    const bool are_jets = random.chance(0.5F);
    for (int i = 0; i < num_engine_pairs; ++i) {
      const float along = num_engine_pairs == 1 ? 0.45F : 0.3F + 0.35F * i;
      const Vec3 at = on_wing(along * span) + Vec3(0.1F, -0.14F, 0);
      const Primitive engine = are_jets ? cone(0.085F, 0.11F, 0.17F, at) : capsule(0.1F, 0.12F, at);
      add_pair("engine", kNavy, rotated(engine, forward), 2);
    }
    if (has_winglets) {
      const Vec3 tip = on_wing(span - 0.05F);
      add_pair("winglet", kPurple, box({0.7F * chord, 0.1F, 0.04F}, tip + Vec3(0, 0.14F, 0)), 2);
    }
    if (has_tanks) {
      const Vec3 tip = on_wing(span + 0.07F);
      add_pair("tank", kBrown, rotated(capsule(0.08F, 0.14F, tip), forward), 2);
    }
  }

  void add_tail() {
    const float x = -half_length + 0.16F;
    const float hull = hull_radius(x);
    if (has_fin) {
      add("fin", kBlue, trapezoid({0.16F, 0.17F, 0.045F}, 0.08F, {x, hull + 0.14F, 0}));
    }
    if (has_tailplane) {
      add_pair("tailplane", kGreen, box({0.11F, 0.045F, 0.16F}, {x, 0, 0.75F * hull + 0.16F}), 2);
    }
  }

  void add_nose() {
    const float nose = half_length;
    if (has_spinner) {
      add("spinner", kYellow,
          rotated(cone(0.1F, 0.02F, 0.09F, {nose + 0.07F, 0, 0}), turn_about(2, -90.0F)));
    }
    for (int i = 0; i < num_blade_pairs; ++i) {
      const Primitive blade = box({0.04F, 0.15F, 0.05F}, {nose + 0.02F, 0.19F, 0});
      for (const float turn : {0.0F, 180.0F}) {
        const Eigen::Matrix3f rotation = turn_about(0, turn + 90.0F * i);
        Primitive placed = rotated(blade, rotation);
        placed.center = rotation * blade.center;
        add("blade", kPink, placed);
      }
    }
  }

  void add_on_fuselage() {
    if (has_cockpit) {
      const Vec3 at(0.55F * half_length, hull_radius(0.55F * half_length) + 0.04F, 0);
      add("cockpit", kLime, rotated(capsule(0.1F, 0.1F, at), turn_about(2, 90.0F)));
    }
    for (int i = 0; i < num_windows; ++i) {
      const int place = i / 2;
      const float x = 0.4F * half_length - 0.17F * place;
      const float side = i % 2 == 0 ? 1.0F : -1.0F;
      const Vec3 out = turn_about(0, -side * 35.0F) * Vec3(0, 0, side * (hull_radius(x) + 0.01F));
      add("window", kSky, sphere(0.055F, out + Vec3(x, 0, 0)));
    }
    if (has_gear) {
      const float nose = 0.6F * half_length;
      const float back = -0.2F;
      const Eigen::Matrix3f sideways = turn_about(0, 90.0F);
      add("wheel", kDark,
          rotated(cylinder(0.11F, 0.05F, {nose, -hull_radius(nose) - 0.1F, 0}), sideways));
      const Vec3 at(back, -hull_radius(back) - 0.07F, 0.5F * radius);
      add_pair("wheel", kDark, rotated(cylinder(0.11F, 0.05F, at), sideways), 2);
    }
  }

  Feature has_fin = {.weight = 4};
  Feature has_tailplane = {.step = 2, .weight = 3};
  Feature num_engine_pairs = {.step = 2, .most = 2, .weight = 2};
  Feature has_spinner = {.weight = 0.5F};
  Feature num_blade_pairs = {.step = 2, .most = 2, .weight = 0.7F};
  Feature has_gear = {.step = 3, .weight = 0.7F};
  Feature num_windows = {.most = 8, .weight = 0.6F};
  Feature has_winglets = {.step = 2, .weight = 0.6F};
  Feature has_cockpit = {};
  Feature is_biplane = {.step = 5, .weight = 0.5F};
  Feature has_tanks = {.step = 2, .weight = 0.4F};

  bool is_tapered = false;  // towards the tail
  float half_length = 0.9F;
  float radius = 0.18F;  // of the fuselage
  float span = 0.85F;    // of one wing
  float chord = 0.2F;    // half the wing's width
  float wing_y = 0;
  float sweep = 10.0F;  // degrees backwards
};

}  // namespace

void build_airplane(AssetBuilder& builder, int count) { Airplane{{builder}}.build(count); }

}  // namespace moca::procedural
