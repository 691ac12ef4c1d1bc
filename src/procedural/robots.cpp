// Robots, facing +Z: a torso and a head on a base or legs, with arms of one to four pieces.
#include <algorithm>
#include <array>

#include "families.h"

namespace moca::procedural {
namespace {

struct Robot {
  bool has_base = false;
  int arm_pieces = 0;  // 1 arm, 2 + hand, 3 + shoulder, 4 upper and lower arm apart
  int leg_pieces = 0;  // 1 leg, 2 + foot, 3 + hip, 4 thigh and shin apart
  bool has_neck = false;
  bool has_eyes = false;
  bool has_ears = false;
  int antenna_pieces = 0;
  bool has_mouth = false;
  bool has_backpack = false;
  bool has_panel = false;
  int num_buttons = 0;
  bool has_belt = false;
  bool has_hat = false;

  Vec3 torso = Vec3::Zero();  // half sizes
  Vec3 head = Vec3::Zero();
  float leg_height = 0;
  float arm_length = 0.7F;
  float arm_angle = 0;  // degrees away from hanging
  float limb_radius = 0.08F;
  StickStyle limbs = StickStyle::kRound;
};

void plan_robot(Robot& robot, int count, Random& random) {
  if (count == 2) {
    return;
  }
  robot.has_base = count == 3 || (count <= 20 && random.chance(0.3F));
  const bool has_legs = !robot.has_base;
  draw_plan(count - (robot.has_base ? 3 : 2),
            {{&robot.arm_pieces, {.step = 2, .most = 4, .weight = 4}},
             {&robot.leg_pieces,
              {.step = 2, .most = has_legs ? 4 : 0, .least = has_legs ? 1 : 0, .weight = 1.5F}},
             {&robot.has_neck, {.weight = 0.6F}},
             {&robot.has_eyes, {.step = 2, .weight = 2}},
             {&robot.has_ears, {.step = 2, .weight = 0.6F}},
             {&robot.antenna_pieces, {.most = 2}},
             {&robot.has_mouth, {.weight = 0.6F}},
             {&robot.has_backpack, {.weight = 0.6F}},
             {&robot.has_panel, {.weight = 0.7F}},
             {&robot.num_buttons, {.most = 3, .weight = 0.4F}},
             {&robot.has_belt, {.most = has_legs ? 1 : 0, .weight = 0.5F}},
             {&robot.has_hat, {.weight = 0.5F}}},
            random);
}

void draw_sizes(Robot& robot, Random& random) {
  robot.torso =
      Vec3(random.uniform(0.28F, 0.4F), random.uniform(0.3F, 0.42F), random.uniform(0.2F, 0.28F));
  robot.head =
      Vec3(random.uniform(0.2F, 0.3F), random.uniform(0.17F, 0.23F), random.uniform(0.18F, 0.24F));
  robot.leg_height = robot.has_base ? random.uniform(0.25F, 0.4F) : random.uniform(0.5F, 0.75F);
  if (!robot.has_base && robot.leg_pieces == 0) {
    robot.leg_height = 0;
  }
  robot.arm_length = random.uniform(0.6F, 0.8F);
  robot.arm_angle =
      random.chance(0.5F) ? random.uniform(0.0F, 20.0F) : random.uniform(40.0F, 110.0F);
  if (robot.has_base) {
    robot.arm_angle = std::max(robot.arm_angle, 35.0F);  // clear of the base
  }
  robot.limb_radius = random.uniform(0.075F, 0.1F);
  robot.limbs = draw_stick_style(random);
}

void add_torso(AssetBuilder& builder, const Robot& robot, float waist) {
  const Vec3& half = robot.torso;
  const Vec3 center(0, waist + half.y(), 0);
  const std::array<Primitive, 3> torsos = {
      box(half, center), rounded_box(half, 0.1F, center),
      rotated(trapezoid(half, 0.75F * half.x(), center), turn_about(2, 180.0F))};
  builder.add("torso", paint::kBlue, torsos[builder.random().integer(0, 2)]);
  const float front = half.z();
  if (robot.has_panel) {
    builder.add("panel", paint::kYellow,
                box(Vec3(0.5F * half.x(), 0.3F * half.y(), 0.045F),
                    center + Vec3(0, 0.35F * half.y(), front + 0.035F)));
  }
  for (int i = 0; i < robot.num_buttons; ++i) {
    builder.add(
        "button", paint::kRed,
        sphere(0.06F, center + Vec3(spread(i, 3, 0.18F), -0.25F * half.y(), front + 0.02F)));
  }
  if (robot.has_belt) {
    builder.add("belt", paint::kBrown,
                box(Vec3(0.9F * half.x(), 0.045F, half.z() + 0.05F), Vec3(0, waist - 0.005F, 0)));
  }
  if (robot.has_backpack) {
    builder.add(
        "backpack", paint::kGreen,
        box(Vec3(0.6F * half.x(), 0.6F * half.y(), 0.1F), center - Vec3(0, 0, half.z() + 0.09F)));
  }
}

void add_face(AssetBuilder& builder, const Robot& robot, const Vec3& center) {
  const float front = robot.head.z();
  if (robot.has_eyes) {
    builder.add_pair(
        "eye", paint::kDark,
        sphere(0.07F, center + Vec3(0.45F * robot.head.x(), 0.2F * robot.head.y(), front + 0.03F)));
  }
  if (robot.has_mouth) {
    builder.add("mouth", paint::kPink,
                box(Vec3(0.45F * robot.head.x(), 0.04F, 0.045F),
                    center + Vec3(0, -0.5F * robot.head.y(), front + 0.02F)));
  }
  if (robot.has_ears) {
    const Vec3 at = center + Vec3(robot.head.x() + 0.04F, 0, 0);
    builder.add_pair("ear", paint::kPurple,
                     rotated(cylinder(0.09F, 0.05F, at), turn_about(2, 90.0F)));
  }
}

void add_head(AssetBuilder& builder, const Robot& robot, float neck) {
  float y = neck;
  if (robot.has_neck) {
    builder.add("neck", paint::kTeal, cylinder(0.11F, 0.06F, Vec3(0, y + 0.05F, 0)));
    y += 0.1F;
  }
  const Vec3 center(0, y + robot.head.y(), 0);
  const bool is_plain = !robot.has_eyes && !robot.has_mouth && !robot.has_ears;
  if (is_plain && builder.random().chance(0.6F)) {
    const Vec3 half = Vec3::Constant(robot.head.y());
    builder.add("head", paint::kOrange,
                builder.random().chance(0.5F) ? sphere(half.y(), center)
                                              : cylinder(half.x(), half.y(), center));
  } else {
    builder.add("head", paint::kOrange, rounded_box(robot.head, 0.06F, center));
  }
  add_face(builder, robot, center);
  y += 2.0F * robot.head.y();
  if (robot.has_hat) {
    builder.add("hat", paint::kOlive,
                cone(0.8F * robot.head.z(), 0.5F * robot.head.z(), 0.08F, Vec3(0, y + 0.07F, 0)));
    y += 0.15F;
  }
  if (robot.antenna_pieces > 0) {
    builder.add("antenna", paint::kMint, cylinder(0.045F, 0.1F, Vec3(0, y + 0.09F, 0)));
  }
  if (robot.antenna_pieces > 1) {
    builder.add("antenna_tip", paint::kMagenta, sphere(0.075F, Vec3(0, y + 0.24F, 0)));
  }
}

// From the shoulder outwards along the arm's direction; mirrored to the other side.
void add_arms(AssetBuilder& builder, const Robot& robot, float shoulder_y) {
  if (robot.arm_pieces == 0) {
    return;
  }
  const Vec3 along = turn_about(2, robot.arm_angle) * Vec3(0, -1, 0);
  // A hanging arm leans against the torso, a raised one enters it with its end.
  const float hanging = std::max(-along.y(), 0.0F);
  Vec3 at(robot.torso.x() - 0.03F + (0.6F * robot.limb_radius + 0.03F) * hanging, shoulder_y, 0);
  if (robot.arm_pieces >= 3) {
    const float radius = robot.limb_radius + 0.04F;
    at.x() = robot.torso.x() + 0.75F * radius;
    builder.add_pair("shoulder", paint::kLavender, sphere(radius, at));
    at += 0.8F * radius * along;
  }
  const bool is_jointed = robot.arm_pieces == 4;
  const float length = is_jointed ? 0.48F * robot.arm_length : robot.arm_length;
  // The wide end is up.
  builder.add_pair("arm", paint::kGrey,
                   stick(robot.limbs, at + length * along, at, robot.limb_radius));
  at += length * along;
  if (is_jointed) {
    const Vec3 bent = turn_about(0, -35.0F) * along;
    builder.add_pair("forearm", paint::kCyan,
                     stick(StickStyle::kRound, at, at + length * bent, 0.9F * robot.limb_radius));
    at += length * bent;
  }
  if (robot.arm_pieces >= 2) {
    builder.add_pair("hand", paint::kLime, sphere(robot.limb_radius + 0.035F, at + 0.08F * along));
  }
}

void add_legs(AssetBuilder& builder, const Robot& robot) {
  if (robot.has_base) {
    const float half_height = robot.leg_height / 2.0F;
    const Vec3 center(0, half_height, 0);
    builder.add("base", paint::kSky,
                builder.random().chance(0.6F) ? cone(0.42F, 0.22F, half_height, center)
                                              : box(Vec3(0.4F, half_height, 0.34F), center));
    return;
  }
  if (robot.leg_pieces == 0) {
    return;
  }
  const float x = 0.55F * robot.torso.x();
  float top = robot.leg_height + 0.01F;
  float bottom = 0;
  if (robot.leg_pieces >= 2) {
    builder.add_pair("foot", paint::kSky, box(Vec3(0.11F, 0.06F, 0.18F), Vec3(x, 0.06F, 0.05F)));
    bottom = 0.11F;
  }
  if (robot.leg_pieces >= 3) {
    const float radius = robot.limb_radius + 0.03F;
    builder.add_pair("hip", paint::kCream, sphere(radius, Vec3(x, top - 0.8F * radius, 0)));
    top -= 1.6F * radius;
  }
  const float knee = robot.leg_pieces == 4 ? (top + bottom) / 2.0F : bottom;
  builder.add_pair("leg", paint::kNavy,
                   stick(robot.limbs, Vec3(x, knee, 0), Vec3(x, top, 0), 1.1F * robot.limb_radius));
  if (robot.leg_pieces == 4) {
    builder.add_pair(
        "shin", paint::kMaroon,
        stick(StickStyle::kRound, Vec3(x, bottom, 0), Vec3(x, knee, 0), robot.limb_radius));
  }
}

}  // namespace

void build_robot(AssetBuilder& builder, int count) {
  Robot robot;
  plan_robot(robot, count, builder.random());
  draw_sizes(robot, builder.random());
  const float waist = robot.leg_height;
  const float neck = waist + 2.0F * robot.torso.y();
  add_torso(builder, robot, waist);
  add_head(builder, robot, neck - 0.01F);
  add_arms(builder, robot, neck - 0.14F);
  add_legs(builder, robot);
}

}  // namespace moca::procedural
