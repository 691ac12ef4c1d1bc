// Robots, facing +Z: a torso and a head on a base or legs, with arms of one to four pieces.
#include <algorithm>
#include <array>

#include "families.h"

namespace moca::procedural {
namespace {

struct Robot : Maker {
  void build(int count) {
    plan(count);
    draw_sizes();
    const float waist = leg_height;
    const float neck = waist + 2.0F * torso.y();
    add_torso(waist);
    add_head(neck - 0.01F);
    add_arms(neck - 0.14F);
    add_legs();
  }

  void plan(int count) {
    if (count == 2) {
      return;
    }
    has_base = count == 3 || (count <= 20 && random.chance(0.3F));
    const bool has_legs = !has_base;
    leg_pieces.most = has_legs ? 4 : 0;
    leg_pieces.least = has_legs ? 1 : 0;
    has_belt.most = has_legs ? 1 : 0;
    draw_plan(count - (has_base ? 3 : 2),
              {&arm_pieces, &leg_pieces, &has_neck, &has_eyes, &has_ears, &antenna_pieces,
               &has_mouth, &has_backpack, &has_panel, &num_buttons, &has_belt, &has_hat});
  }

  void draw_sizes() {
    torso =
        Vec3(random.uniform(0.28F, 0.4F), random.uniform(0.3F, 0.42F), random.uniform(0.2F, 0.28F));
    head = Vec3(random.uniform(0.2F, 0.3F), random.uniform(0.17F, 0.23F),
                random.uniform(0.18F, 0.24F));
    leg_height = has_base ? random.uniform(0.25F, 0.4F) : random.uniform(0.5F, 0.75F);
    if (!has_base && leg_pieces == 0) {
      leg_height = 0;
    }
    arm_length = random.uniform(0.6F, 0.8F);
    arm_angle = random.chance(0.5F) ? random.uniform(0.0F, 20.0F) : random.uniform(40.0F, 110.0F);
    if (has_base) {
      arm_angle = std::max(arm_angle, 35.0F);  // clear of the base
    }
    limb_radius = random.uniform(0.075F, 0.1F);
    limbs = draw_stick_style();
  }

  void add_torso(float waist) {
    const Vec3& half = torso;
    const Vec3 center(0, waist + half.y(), 0);
    const std::array<Primitive, 3> torsos = {
        box(half, center), rounded_box(half, 0.1F, center),
        rotated(trapezoid(half, 0.75F * half.x(), center), turn_about(2, 180.0F))};
    add("torso", kBlue, torsos[random.integer(0, 2)]);
    const float front = half.z();
    if (has_panel) {
      add("panel", kYellow,
          box({0.5F * half.x(), 0.3F * half.y(), 0.045F},
              center + Vec3(0, 0.35F * half.y(), front + 0.035F)));
    }
    for (int i = 0; i < num_buttons; ++i) {
      add("button", kRed,
          sphere(0.06F, center + Vec3(spread(i, 3, 0.18F), -0.25F * half.y(), front + 0.02F)));
    }
    if (has_belt) {
      add("belt", kBrown, box({0.9F * half.x(), 0.045F, half.z() + 0.05F}, {0, waist - 0.005F, 0}));
    }
    if (has_backpack) {
      add("backpack", kGreen,
          box({0.6F * half.x(), 0.6F * half.y(), 0.1F}, center - Vec3(0, 0, half.z() + 0.09F)));
    }
  }

  void add_face(const Vec3& center) {
    const float front = head.z();
    if (has_eyes) {
      add_pair("eye", kDark,
               sphere(0.07F, center + Vec3(0.45F * head.x(), 0.2F * head.y(), front + 0.03F)));
    }
    if (has_mouth) {
      add("mouth", kPink,
          box({0.45F * head.x(), 0.04F, 0.045F},
              center + Vec3(0, -0.5F * head.y(), front + 0.02F)));
    }
    if (has_ears) {
      const Vec3 at = center + Vec3(head.x() + 0.04F, 0, 0);
      add_pair("ear", kPurple, rotated(cylinder(0.09F, 0.05F, at), turn_about(2, 90.0F)));
    }
  }

  void add_head(float neck) {
    float y = neck;
    if (has_neck) {
      add("neck", kTeal, cylinder(0.11F, 0.06F, {0, y + 0.05F, 0}));
      y += 0.1F;
    }
    const Vec3 center(0, y + head.y(), 0);
    const bool is_plain = !has_eyes && !has_mouth && !has_ears;
    if (is_plain && random.chance(0.6F)) {
      const Vec3 half = Vec3::Constant(head.y());
      add("head", kOrange,
          random.chance(0.5F) ? sphere(half.y(), center) : cylinder(half.x(), half.y(), center));
    } else {
      add("head", kOrange, rounded_box(head, 0.06F, center));
    }
    add_face(center);
    y += 2.0F * head.y();
    if (has_hat) {
      add("hat", kOlive, cone(0.8F * head.z(), 0.5F * head.z(), 0.08F, {0, y + 0.07F, 0}));
      y += 0.15F;
    }
    if (antenna_pieces > 0) {
      add("antenna", kMint, cylinder(0.045F, 0.1F, {0, y + 0.09F, 0}));
    }
    if (antenna_pieces > 1) {
      add("antenna_tip", kMagenta, sphere(0.075F, {0, y + 0.24F, 0}));
    }
  }

  // From the shoulder outwards along the arm's direction; mirrored to the other side.
  void add_arms(float shoulder_y) {
    if (arm_pieces == 0) {
      return;
    }
    const Vec3 along = turn_about(2, arm_angle) * Vec3(0, -1, 0);
    // A hanging arm leans against the torso, a raised one enters it with its end.
    const float hanging = std::max(-along.y(), 0.0F);
    Vec3 at(torso.x() - 0.03F + (0.6F * limb_radius + 0.03F) * hanging, shoulder_y, 0);
    if (arm_pieces >= 3) {
      const float radius = limb_radius + 0.04F;
      at.x() = torso.x() + 0.75F * radius;
      add_pair("shoulder", kLavender, sphere(radius, at));
      at += 0.8F * radius * along;
    }
    const bool is_jointed = arm_pieces == 4;
    const float length = is_jointed ? 0.48F * arm_length : arm_length;
    // The wide end is up.
    add_pair("arm", kGrey, stick(limbs, at + length * along, at, limb_radius));
    at += length * along;
    if (is_jointed) {
      const Vec3 bent = turn_about(0, -35.0F) * along;
      add_pair("forearm", kCyan, stick(kRound, at, at + length * bent, 0.9F * limb_radius));
      at += length * bent;
    }
    if (arm_pieces >= 2) {
      add_pair("hand", kLime, sphere(limb_radius + 0.035F, at + 0.08F * along));
    }
  }

  void add_legs() {
    if (has_base) {
      const float half_height = leg_height / 2.0F;
      const Vec3 center(0, half_height, 0);
      add("base", kSky,
          random.chance(0.6F) ? cone(0.42F, 0.22F, half_height, center)
                              : box({0.4F, half_height, 0.34F}, center));
      return;
    }
    if (leg_pieces == 0) {
      return;
    }
    const float x = 0.55F * torso.x();
    float top = leg_height + 0.01F;
    float bottom = 0;
    if (leg_pieces >= 2) {
      add_pair("foot", kSky, box({0.11F, 0.06F, 0.18F}, {x, 0.06F, 0.05F}));
      bottom = 0.11F;
    }
    if (leg_pieces >= 3) {
      const float radius = limb_radius + 0.03F;
      add_pair("hip", kCream, sphere(radius, {x, top - 0.8F * radius, 0}));
      top -= 1.6F * radius;
    }
    const float knee = leg_pieces == 4 ? (top + bottom) / 2.0F : bottom;
    add_pair("leg", kNavy, stick(limbs, {x, knee, 0}, {x, top, 0}, 1.1F * limb_radius));
    if (leg_pieces == 4) {
      add_pair("shin", kMaroon, stick(kRound, {x, bottom, 0}, {x, knee, 0}, limb_radius));
    }
  }

  bool has_base = false;
  // 1 arm, 2 + hand, 3 + shoulder, 4 upper and lower arm apart.
  Feature arm_pieces = {.step = 2, .most = 4, .weight = 4};
  // 1 leg, 2 + foot, 3 + hip, 4 thigh and shin apart.
  Feature leg_pieces = {.step = 2, .weight = 1.5F};
  Feature has_neck = {.weight = 0.6F};
  Feature has_eyes = {.step = 2, .weight = 2};
  Feature has_ears = {.step = 2, .weight = 0.6F};
  Feature antenna_pieces = {.most = 2};
  Feature has_mouth = {.weight = 0.6F};
  Feature has_backpack = {.weight = 0.6F};
  Feature has_panel = {.weight = 0.7F};
  Feature num_buttons = {.most = 3, .weight = 0.4F};
  Feature has_belt = {.weight = 0.5F};
  Feature has_hat = {.weight = 0.5F};

  Vec3 torso = Vec3::Zero();  // half sizes
  Vec3 head = Vec3::Zero();
  float leg_height = 0;
  float arm_length = 0.7F;
  float arm_angle = 0;  // degrees away from hanging
  float limb_radius = 0.08F;
  StickStyle limbs = kRound;
};

}  // namespace

void build_robot(AssetBuilder& builder, int count) { Robot{{builder}}.build(count); }

}  // namespace moca::procedural
