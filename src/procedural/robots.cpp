// Robots, facing +Z: a torso and a head on a base or legs, with arms of one to four pieces.
#include <algorithm>

#include "families.h"

namespace moca::procedural {
namespace {

struct Robot : AssetBuilder {
  void build() {
    const float waist = has_base || has_legs ? leg_height : 0.0F;
    const float shoulders = waist + 2.0F * torso.y();
    add_torso(waist);
    add_head(shoulders - 0.01F);
    add_arms(shoulders - 0.14F);
    if (has_base) {
      add_base();
    } else if (has_legs) {
      add_legs();
    }
  }

  void add_torso(float waist) {
    const float front = torso.z();
    const Vec3 center = up(waist + torso.y());
    add("torso", kBlue,
        random.choice({box(torso, center), rounded_box(torso, 0.1F, center),
                       turned(trapezoid(torso, 0.75F * torso.x(), center), 2, 180.0F)}));
    add(panel, box({0.5F * torso.x(), 0.3F * torso.y(), 0.045F},
                   center + Vec3(0, 0.35F * torso.y(), front + 0.035F)));
    for (int i = 0; i < buttons; ++i) {
      const Vec3 at(spread(i, 3, 0.18F), -0.25F * torso.y(), front + 0.02F);
      add(buttons, sphere(0.06F, center + at));
    }
    add(belt, box({0.9F * torso.x(), 0.045F, front + 0.05F}, up(waist - 0.005F)));
    add(backpack,
        box({0.6F * torso.x(), 0.6F * torso.y(), 0.1F}, center - Vec3(0, 0, front + 0.09F)));
  }

  void add_head(float y) {
    add(neck, cylinder(0.11F, 0.06F, up(y + 0.05F)));
    y += neck ? 0.1F : 0.0F;
    const Vec3 center = up(y + head.y());
    const float half = head.y();
    const bool is_plain = !eyes && !mouth && !ears && random.chance(0.6F);
    const bool is_ball = is_plain && random.chance(0.5F);
    add("head", kOrange,
        is_ball    ? sphere(half, center)
        : is_plain ? cylinder(half, half, center)
                   : rounded_box(head, 0.06F, center));
    const float front = head.z();
    add_pair(eyes, sphere(0.07F, center + Vec3(0.45F * head.x(), 0.2F * half, front + 0.03F)));
    add(mouth,
        box({0.45F * head.x(), 0.04F, 0.045F}, center + Vec3(0, -0.5F * half, front + 0.02F)));
    const Vec3 ear = center + Vec3(head.x() + 0.04F, 0, 0);
    add_pair(ears, turned(cylinder(0.09F, 0.05F, ear), 2, 90.0F));
    y += 2.0F * head.y();
    add(hat, cone(0.8F * head.z(), 0.5F * head.z(), 0.08F, up(y + 0.07F)));
    y += hat ? 0.15F : 0.0F;
    add(antenna, cylinder(0.045F, 0.1F, up(y + 0.09F)));
    if (antenna > 1) {
      add("antenna_tip", kMagenta, sphere(0.075F, up(y + 0.24F)));
    }
  }

  // From the shoulder outwards along the arm's direction; mirrored to the other side.
  void add_arms(float shoulder_y) {
    const float angle = has_base ? std::max(arm_angle, 35.0F) : arm_angle;  // clear of the base
    const Vec3 along = turn_about(2, angle) * Vec3(0, -1, 0);
    // A hanging arm leans against the torso, a raised one enters it with its end.
    const float hanging = std::max(-along.y(), 0.0F);
    Vec3 at(torso.x() - 0.03F + (0.6F * limb_radius + 0.03F) * hanging, shoulder_y, 0);
    if (arms >= 3) {
      const float radius = limb_radius + 0.04F;
      at.x() = torso.x() + 0.75F * radius;
      add_pair("shoulder", kLavender, sphere(radius, at));
      at += 0.8F * radius * along;
    }
    const bool is_jointed = arms == 4;
    const float length = is_jointed ? 0.48F * arm_length : arm_length;
    // The wide end is up.
    add_pair(arms, stick(limbs, at + length * along, at, limb_radius));
    at += length * along;
    if (is_jointed) {
      const Vec3 bent = turn_about(0, -35.0F) * along;
      add_pair("forearm", kCyan, stick(kRound, at, at + length * bent, 0.9F * limb_radius));
      at += length * bent;
    }
    if (arms >= 2) {
      add_pair("hand", kLime, sphere(limb_radius + 0.035F, at + 0.08F * along));
    }
  }

  void add_base() {
    const float half_height = leg_height / 2.0F;
    const Vec3 center = up(half_height);
    add("base", kSky,
        random.chance(0.6F) ? cone(0.42F, 0.22F, half_height, center)
                            : box({0.4F, half_height, 0.34F}, center));
  }

  void add_legs() {
    const float x = 0.55F * torso.x();
    float top = leg_height + 0.01F;
    float bottom = 0;
    if (legs >= 2) {
      add_pair("foot", kSky, box({0.11F, 0.06F, 0.18F}, {x, 0.06F, 0.05F}));
      bottom = 0.11F;
    }
    if (legs >= 3) {
      const float radius = limb_radius + 0.03F;
      add_pair("hip", kCream, sphere(radius, {x, top - 0.8F * radius, 0}));
      top -= 1.6F * radius;
    }
    const float knee = legs == 4 ? (top + bottom) / 2.0F : bottom;
    add_pair(legs, stick(limbs, {x, knee, 0}, {x, top, 0}, 1.1F * limb_radius));
    if (legs == 4) {
      add_pair("shin", kMaroon, stick(kRound, {x, bottom, 0}, {x, knee, 0}, limb_radius));
    }
  }

  const bool has_base = count == 3 || (count > 3 && count <= 20 && random.chance(0.3F));
  // 1 arm, 2 + hand, 3 + shoulder, 4 upper and lower arm apart.
  Feature& arms = feature("arm", kGrey, {.step = 2, .most = 4, .weight = 4});
  // 1 leg, 2 + foot, 3 + hip, 4 thigh and shin apart.
  const bool has_legs = count > 2 && !has_base;
  Feature& legs = feature("leg", kNavy,
                          {.step = 2, .most = has_legs ? 4 : 0, .least = has_legs, .weight = 1.5F});
  Feature& neck = feature("neck", kTeal, {.weight = 0.6F});
  Feature& eyes = feature("eye", kDark, {.step = 2, .weight = 2});
  Feature& ears = feature("ear", kPurple, {.step = 2, .weight = 0.6F});
  Feature& antenna = feature("antenna", kMint, {.most = 2});  // 2: with a tip
  Feature& mouth = feature("mouth", kPink, {.weight = 0.6F});
  Feature& backpack = feature("backpack", kGreen, {.weight = 0.6F});
  Feature& panel = feature("panel", kYellow, {.weight = 0.7F});
  Feature& buttons = feature("button", kRed, {.most = 3, .weight = 0.4F});
  Feature& belt = feature("belt", kBrown, {.most = has_base ? 0 : 1, .weight = 0.5F});
  Feature& hat = feature("hat", kOlive, {.weight = 0.5F});

  const int num_extra = draw_plan(has_base ? 3 : 2);
  const Vec3 torso = random.uniform({0.28F, 0.3F, 0.2F}, {0.4F, 0.42F, 0.28F});  // half sizes
  const Vec3 head = random.uniform({0.2F, 0.17F, 0.18F}, {0.3F, 0.23F, 0.24F});
  const float leg_height = has_base ? random.uniform(0.25F, 0.4F) : random.uniform(0.5F, 0.75F);
  const float arm_length = random.uniform(0.6F, 0.8F);
  // Degrees away from hanging.
  const float arm_angle =
      random.chance(0.5F) ? random.uniform(0.0F, 20.0F) : random.uniform(40.0F, 110.0F);
  const float limb_radius = random.uniform(0.075F, 0.1F);
  const StickStyle limbs = draw_stick_style();
};

}  // namespace

Components make_robot(const AssetBuilder& start) { return made_by<Robot>(start); }

}  // namespace moca::procedural
