// Chairs and stools: a base, a seat, mostly a back, and what a rich chair has besides.
#include <array>

#include "families.h"

namespace moca::procedural {
namespace {

struct Chair {
  // Which components there are.
  bool has_back = true;
  bool is_block = false;    // the seat reaches the floor
  bool has_column = false;  // one leg in the middle
  int num_feet = 0;         // under the column: 1 is a disc, more are a star
  int num_panels = 0;       // 2: sides that carry the seat
  int num_legs = 0;         // 3 or 4 at the corners
  int num_arms = 0;         // per side: 1 a panel, more a rail on posts
  int num_stretchers = 0;   // between legs
  int num_spindles = 0;     // 0: the back is solid
  int num_boards = 1;       // of the seat
  bool has_headrest = false;
  bool has_cushion = false;
  // Sizes.
  float width = 1;
  float depth = 1;
  float seat_height = 0.8F;  // of its upper side
  float seat_thickness = 0.15F;
  float back_height = 0.9F;
  float back_thickness = 0.12F;
  float leg_radius = 0.07F;
  float splay = 0;
  bool is_round = false;
  StickStyle legs = StickStyle::kSquare;
};

void plan_base(Chair& chair, int count, Random& random) {
  const int choice = random.integer(0, 2);
  if (count == 2) {
    chair.is_block = true;
  } else if (count == 3) {
    chair.has_column = true;
  } else if (count == 4) {
    chair.has_back = choice != 0;
    chair.num_panels = chair.has_back ? 2 : 0;
    chair.num_legs = chair.has_back ? 0 : 3;
  } else if (count == 5) {
    chair.has_back = choice != 0;
    chair.has_column = choice == 1;
    chair.num_feet = choice == 1 ? 1 : 0;
    chair.has_headrest = choice == 1;
    chair.num_legs = choice == 0 ? 4 : (choice == 2 ? 3 : 0);
  } else if (count >= 8 && count <= 12 && random.chance(0.3F)) {
    chair.has_column = true;
    chair.num_feet = 5;
  } else {
    chair.num_legs = 4;
  }
  chair.is_round = chair.num_legs == 3 || (!chair.has_back && choice == 0);
}

void plan_extras(Chair& chair, int count, Random& random) {
  if (count < 6) {
    return;
  }
  const bool on_column = chair.has_column;
  const int base = on_column ? 8 : 6;
  draw_plan(count - base,
            {{&chair.num_arms, {.step = 2, .most = 4, .weight = 2}},
             {&chair.num_stretchers, {.most = on_column ? 0 : 4}},
             {&chair.num_spindles, {.most = 7, .weight = 2}},
             {&chair.num_boards, {.most = 5, .weight = 0.7F}},
             {&chair.has_headrest, {.most = 1}},
             {&chair.has_cushion, {.most = 1}}},
            random);
  chair.num_boards += 1;  // one is there anyway
}

void draw_sizes(Chair& chair, Random& random) {
  chair.width = random.uniform(0.9F, 1.2F);
  chair.depth = random.uniform(0.85F, 1.1F);
  chair.seat_height = random.uniform(0.7F, 0.95F);
  chair.seat_thickness = random.uniform(0.12F, 0.2F);
  chair.back_height = random.uniform(0.75F, 1.1F);
  chair.back_thickness = random.uniform(0.1F, 0.16F);
  chair.leg_radius = random.uniform(0.06F, 0.09F);
  chair.splay = random.chance(0.4F) ? 0.1F : 0.0F;
  chair.legs = draw_stick_style(random);
}

float lower_side(const Chair& chair) { return chair.seat_height - chair.seat_thickness; }

// Where leg `index` of `num_legs` is at height `y`: right front, left front, left back, right back.
Vec3 leg_at(const Chair& chair, int index, float y) {
  const float out = chair.splay * (1.0F - y / lower_side(chair));
  if (chair.num_legs == 3) {
    const float reach = 0.38F * chair.width + out;
    return turn_about(1, 120.0F * static_cast<float>(index)) * Vec3(0, 0, reach) + Vec3(0, y, 0);
  }
  const float x = chair.width / 2.0F - chair.leg_radius - 0.02F + out;
  const float z = chair.depth / 2.0F - chair.leg_radius - 0.02F + out;
  return {index == 0 || index == 3 ? x : -x, y, index < 2 ? z : -z};
}

void add_legs(AssetBuilder& builder, const Chair& chair) {
  const float top = lower_side(chair);
  for (int i = 0; i < chair.num_legs; ++i) {
    builder.add("leg", paint::kBrown,
                stick(chair.legs, leg_at(chair, i, 0), leg_at(chair, i, top), chair.leg_radius));
  }
  constexpr std::array<std::array<int, 2>, 4> kSides = {{{0, 3}, {1, 2}, {2, 3}, {0, 1}}};
  for (int i = 0; i < chair.num_stretchers; ++i) {
    const float y = (i < 2 ? 0.3F : 0.5F) * top;
    const Vec3 from = leg_at(chair, kSides[i][0], y);
    const Vec3 to = leg_at(chair, kSides[i][1], y);
    const Vec3 inset = (to - from).normalized() * chair.leg_radius * 0.9F;
    builder.add("stretcher", paint::kOrange,
                stick(StickStyle::kRound, from + inset, to - inset, 0.75F * chair.leg_radius));
  }
}

void add_column(AssetBuilder& builder, const Chair& chair) {
  const float top = lower_side(chair);
  const float bottom = chair.num_feet > 0 ? 0.12F : 0.0F;
  const Vec3 middle(0, (top + bottom) / 2.0F, 0);
  const float half_height = (top - bottom) / 2.0F;
  if (chair.num_feet == 0) {
    builder.add("column", paint::kBrown, cone(0.42F * chair.width, 0.16F, half_height, middle));
    return;
  }
  builder.add("column", paint::kBrown, cylinder(0.11F, half_height, middle));
  if (chair.num_feet == 1) {
    builder.add("foot", paint::kDark, cylinder(0.42F * chair.width, 0.06F, Vec3(0, 0.06F, 0)));
    return;
  }
  for (int i = 0; i < chair.num_feet; ++i) {
    const float angle = 360.0F * static_cast<float>(i) / static_cast<float>(chair.num_feet);
    const Vec3 out = turn_about(1, angle) * Vec3(0, 0, 1);
    builder.add("foot", paint::kDark,
                stick(StickStyle::kRound, 0.08F * out + Vec3(0, 0.11F, 0),
                      0.5F * chair.width * out + Vec3(0, 0.07F, 0), 0.07F));
  }
}

void add_seat(AssetBuilder& builder, const Chair& chair) {
  const float bottom = chair.is_block ? 0.0F : lower_side(chair);
  const float half_height = (chair.seat_height - bottom) / 2.0F;
  const float y = bottom + half_height;
  if (chair.is_round) {
    builder.add("seat", paint::kRed, cylinder(chair.width / 2.0F, half_height, Vec3(0, y, 0)));
    return;
  }
  const float gap = chair.num_boards > 1 ? 0.03F : 0.0F;
  for (int i = 0; i < chair.num_boards; ++i) {
    const auto [z, half_depth] = strip(i, chair.num_boards, chair.depth / 2.0F, gap);
    builder.add("seat", paint::kRed,
                box(Vec3(chair.width / 2.0F, half_height, half_depth), Vec3(0, y, z)));
  }
  if (chair.has_cushion) {
    const float half_depth = 0.44F * (chair.depth - chair.back_thickness);
    builder.add("cushion", paint::kPink,
                rounded_box(Vec3(0.36F * chair.width, 0.07F, half_depth), 0.05F,
                            Vec3(0, chair.seat_height + 0.065F, chair.back_thickness / 2.0F)));
  }
}

void add_back(AssetBuilder& builder, const Chair& chair) {
  if (!chair.has_back) {
    return;
  }
  const float half_width = chair.width / 2.0F;
  const float half_thickness = chair.back_thickness / 2.0F;
  const float z = -chair.depth / 2.0F + half_thickness;
  const float top = chair.seat_height + chair.back_height;
  const float rail = chair.num_spindles > 0 ? 0.24F : chair.back_height;
  const Vec3 half_size(half_width, rail / 2.0F, half_thickness);
  builder.add("back", paint::kYellow,
              chair.num_spindles == 0 && chair.is_round
                  ? rounded_box(half_size, 0.6F * half_thickness, Vec3(0, top - rail / 2.0F, z))
                  : box(half_size, Vec3(0, top - rail / 2.0F, z)));
  const float radius = chair.num_spindles < 4 ? 0.065F : 0.045F;
  for (int i = 0; i < chair.num_spindles; ++i) {
    const float x = spread(i, chair.num_spindles, half_width - radius - 0.01F);
    const Vec3 foot(x, chair.seat_height, z);
    const Vec3 head(x, top - rail, z);
    builder.add("spindle", paint::kTeal,
                chair.num_spindles == 1
                    ? box(Vec3(0.25F * half_width, (head - foot).y() / 2.0F, half_thickness),
                          (foot + head) / 2.0F)
                    : stick(StickStyle::kRound, foot, head, radius));
  }
  if (chair.has_headrest) {
    builder.add("headrest", paint::kPurple,
                rounded_box(Vec3(0.6F * half_width, 0.1F, half_thickness + 0.02F), 0.05F,
                            Vec3(0, top + 0.09F, z)));
  }
}

void add_arms(AssetBuilder& builder, const Chair& chair) {
  if (chair.num_arms == 0) {
    return;
  }
  const float front = chair.depth / 2.0F;
  const float back = -front + chair.back_thickness;
  const float z = (front + back) / 2.0F;
  const float half_length = (front - back) / 2.0F;
  const float x = chair.width / 2.0F - 0.06F;
  if (chair.num_arms == 1) {
    builder.add_pair("arm", paint::kBlue,
                     box(Vec3(0.06F, 0.19F, half_length), Vec3(x, chair.seat_height + 0.19F, z)));
    return;
  }
  const float height = 0.38F;
  builder.add_pair(
      "arm", paint::kBlue,
      box(Vec3(0.07F, 0.05F, half_length), Vec3(x, chair.seat_height + height + 0.05F, z)));
  const int num_posts = chair.num_arms - 1;
  for (int i = 0; i < num_posts; ++i) {
    const float offset =
        num_posts == 1 ? 0.7F * half_length : spread(i, num_posts, 0.8F * half_length);
    const Vec3 foot(x, chair.seat_height, z + offset);
    builder.add_pair("arm_post", paint::kSky,
                     stick(StickStyle::kRound, foot, foot + Vec3(0, height, 0), 0.05F));
  }
}

}  // namespace

void build_chair(AssetBuilder& builder, int count) {
  Random& random = builder.random();
  Chair chair;
  draw_sizes(chair, random);
  plan_base(chair, count, random);
  plan_extras(chair, count, random);
  add_seat(builder, chair);
  add_back(builder, chair);
  add_legs(builder, chair);
  if (chair.has_column) {
    add_column(builder, chair);
  }
  if (chair.num_panels > 0) {
    builder.add_pair("side", paint::kBrown,
                     box(Vec3(0.07F, lower_side(chair) / 2.0F, 0.46F * chair.depth),
                         Vec3(0.4F * chair.width, lower_side(chair) / 2.0F, 0)));
  }
  add_arms(builder, chair);
}

}  // namespace moca::procedural
