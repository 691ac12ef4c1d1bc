// Airplanes, flying along +X, wings along Z.
#include <cmath>
#include <numbers>

#include "families.h"

namespace moca::procedural {
namespace {

struct Airplane {
  bool has_fin = false;
  bool has_tailplane = false;
  int num_engine_pairs = 0;
  bool has_spinner = false;
  int num_blade_pairs = 0;
  bool has_gear = false;
  int num_windows = 0;
  bool has_winglets = false;
  bool has_cockpit = false;
  bool is_biplane = false;
  bool has_tanks = false;

  bool is_tapered = false;  // towards the tail
  float half_length = 0.9F;
  float radius = 0.18F;  // of the fuselage
  float span = 0.85F;    // of one wing
  float chord = 0.2F;    // half the wing's width
  float wing_y = 0;
  float sweep = 10.0F;  // degrees backwards
};

Airplane plan_airplane(int count, Random& random) {
  Airplane plane;
  if (count > 2) {
    draw_plan(count - 3,
              {{&plane.has_fin, {.weight = 4}},
               {&plane.has_tailplane, {.step = 2, .weight = 3}},
               {&plane.num_engine_pairs, {.step = 2, .most = 2, .weight = 2}},
               {&plane.has_spinner, {.weight = 0.5F}},
               {&plane.num_blade_pairs, {.step = 2, .most = 2, .weight = 0.7F}},
               {&plane.has_gear, {.step = 3, .weight = 0.7F}},
               {&plane.num_windows, {.most = 8, .weight = 0.6F}},
               {&plane.has_winglets, {.step = 2, .weight = 0.6F}},
               {&plane.has_cockpit, {}},
               {&plane.is_biplane, {.step = 5, .weight = 0.5F}},
               {&plane.has_tanks, {.step = 2, .weight = 0.4F}}},
              random);
  }
  plane.half_length = random.uniform(0.8F, 0.95F);
  plane.radius = random.uniform(0.15F, 0.22F);
  plane.span = random.uniform(0.6F, 0.85F);
  plane.chord = random.uniform(0.15F, 0.24F);
  plane.wing_y = random.uniform(-0.5F, 0.3F) * plane.radius;
  plane.sweep = plane.is_biplane ? 0.0F : random.uniform(0.0F, 25.0F);
  plane.is_tapered = random.chance(0.3F);
  return plane;
}

constexpr float kTaper = 0.6F;  // of the tail's radius to the nose's

float hull_radius(const Airplane& plane, float x) {
  const float behind = 0.5F - 0.5F * x / plane.half_length;  // 0 at the nose, 1 at the tail
  return plane.is_tapered ? plane.radius * (1.0F - (1.0F - kTaper) * behind) : plane.radius;
}

// A point on the middle line of the wing at +Z, `distance` from its root.
Vec3 on_wing(const Airplane& plane, float distance) {
  const float radius = hull_radius(plane, 0.05F);
  const float side = std::sqrt(radius * radius - plane.wing_y * plane.wing_y);
  // A swept wing's trailing corner reaches further in than its middle line.
  const float inwards =
      0.6F * plane.chord * std::sin(plane.sweep * std::numbers::pi_v<float> / 180.0F);
  const Vec3 root(0.05F, plane.wing_y, side - 0.03F + inwards);
  return root + turn_about(1, -plane.sweep) * Vec3(0, 0, distance);
}

void add_wings(AssetBuilder& builder, const Airplane& plane, bool in_one_piece) {
  if (in_one_piece) {
    builder.add("wing", paint::kRed,
                box(Vec3(plane.chord, 0.05F, plane.span),
                    Vec3(0.05F, hull_radius(plane, 0.05F) + 0.03F, 0)));
    return;
  }
  builder.add_pair(
      "wing", paint::kRed,
      rotated(box(Vec3(plane.chord, 0.05F, plane.span / 2.0F), on_wing(plane, plane.span / 2.0F)),
              turn_about(1, -plane.sweep)),
      2);
  if (plane.is_biplane) {
    const float y = plane.radius + 0.3F;
    builder.add("upper_wing", paint::kOrange,
                box(Vec3(plane.chord, 0.05F, plane.span), Vec3(0.05F, y, 0)));
    for (const float x : {0.12F, -0.02F}) {
      const Vec3 foot(x, plane.wing_y + 0.045F, 0.75F * plane.span);
      builder.add_pair("wing_strut", paint::kTeal,
                       stick(StickStyle::kRound, foot, Vec3(x, y - 0.045F, foot.z()), 0.045F), 2);
    }
  }
}

void add_on_wings(AssetBuilder& builder, const Airplane& plane) {
  const Eigen::Matrix3f forward = turn_about(2, -90.0F);
  const bool are_jets = builder.random().chance(0.5F);
  for (int i = 0; i < plane.num_engine_pairs; ++i) {
    const float along = plane.num_engine_pairs == 1 ? 0.45F : 0.3F + 0.35F * static_cast<float>(i);
    const Vec3 at = on_wing(plane, along * plane.span) + Vec3(0.1F, -0.14F, 0);
    builder.add_pair(
        "engine", paint::kNavy,
        rotated(are_jets ? cone(0.085F, 0.11F, 0.17F, at) : capsule(0.1F, 0.12F, at), forward), 2);
  }
  if (plane.has_winglets) {
    const Vec3 tip = on_wing(plane, plane.span - 0.05F);
    builder.add_pair("winglet", paint::kPurple,
                     box(Vec3(0.7F * plane.chord, 0.1F, 0.04F), tip + Vec3(0, 0.14F, 0)), 2);
  }
  if (plane.has_tanks) {
    const Vec3 tip = on_wing(plane, plane.span + 0.07F);
    builder.add_pair("tank", paint::kBrown, rotated(capsule(0.08F, 0.14F, tip), forward), 2);
  }
}

void add_tail(AssetBuilder& builder, const Airplane& plane) {
  const float x = -plane.half_length + 0.16F;
  const float radius = hull_radius(plane, x);
  if (plane.has_fin) {
    builder.add("fin", paint::kBlue,
                trapezoid(Vec3(0.16F, 0.17F, 0.045F), 0.08F, Vec3(x, radius + 0.14F, 0)));
  }
  if (plane.has_tailplane) {
    builder.add_pair("tailplane", paint::kGreen,
                     box(Vec3(0.11F, 0.045F, 0.16F), Vec3(x, 0, 0.75F * radius + 0.16F)), 2);
  }
}

void add_nose(AssetBuilder& builder, const Airplane& plane) {
  const float nose = plane.half_length;
  if (plane.has_spinner) {
    builder.add("spinner", paint::kYellow,
                rotated(cone(0.1F, 0.02F, 0.09F, Vec3(nose + 0.07F, 0, 0)), turn_about(2, -90.0F)));
  }
  for (int i = 0; i < plane.num_blade_pairs; ++i) {
    const Primitive blade = box(Vec3(0.04F, 0.15F, 0.05F), Vec3(nose + 0.02F, 0.19F, 0));
    for (const float turn : {0.0F, 180.0F}) {
      const Eigen::Matrix3f rotation = turn_about(0, turn + 90.0F * static_cast<float>(i));
      Primitive placed = rotated(blade, rotation);
      placed.center = rotation * blade.center;
      builder.add("blade", paint::kPink, placed);
    }
  }
}

void add_on_fuselage(AssetBuilder& builder, const Airplane& plane) {
  if (plane.has_cockpit) {
    builder.add("cockpit", paint::kLime,
                rotated(capsule(0.1F, 0.1F,
                                Vec3(0.55F * plane.half_length,
                                     hull_radius(plane, 0.55F * plane.half_length) + 0.04F, 0)),
                        turn_about(2, 90.0F)));
  }
  for (int i = 0; i < plane.num_windows; ++i) {
    const int place = i / 2;
    const float x = 0.4F * plane.half_length - 0.17F * static_cast<float>(place);
    const float side = i % 2 == 0 ? 1.0F : -1.0F;
    const Vec3 out =
        turn_about(0, -side * 35.0F) * Vec3(0, 0, side * (hull_radius(plane, x) + 0.01F));
    builder.add("window", paint::kSky, sphere(0.055F, out + Vec3(x, 0, 0)));
  }
  if (plane.has_gear) {
    const float nose = 0.6F * plane.half_length;
    const float back = -0.2F;
    const Eigen::Matrix3f sideways = turn_about(0, 90.0F);
    builder.add(
        "wheel", paint::kDark,
        rotated(cylinder(0.11F, 0.05F, Vec3(nose, -hull_radius(plane, nose) - 0.1F, 0)), sideways));
    builder.add_pair(
        "wheel", paint::kDark,
        rotated(cylinder(0.11F, 0.05F,
                         Vec3(back, -hull_radius(plane, back) - 0.07F, 0.5F * plane.radius)),
                sideways),
        2);
  }
}

}  // namespace

void build_airplane(AssetBuilder& builder, int count) {
  const Airplane plane = plan_airplane(count, builder.random());
  const Primitive hull =
      plane.is_tapered ? cone(kTaper * plane.radius, plane.radius, plane.half_length, Vec3::Zero())
                       : capsule(plane.radius, plane.half_length - plane.radius, Vec3::Zero());
  builder.add("fuselage", paint::kGrey, rotated(hull, turn_about(2, -90.0F)));
  add_wings(builder, plane, count == 2);
  add_on_wings(builder, plane);
  add_tail(builder, plane);
  add_nose(builder, plane);
  add_on_fuselage(builder, plane);
}

}  // namespace moca::procedural
