// Chairs and stools: a base, a seat, mostly a back, and what a rich chair has besides.
#include <array>

#include "families.h"

namespace moca::procedural {
namespace {

struct Chair : Maker {
  void build(int count) {
    plan_base(count);
    plan_extras(count);
    add_seat();
    add_back();
    add_legs();
    if (has_column) {
      add_column();
    }
    if (num_panels > 0) {
      add_pair(
          "side", kBrown,
          box({0.07F, lower_side() / 2.0F, 0.46F * depth}, {0.4F * width, lower_side() / 2.0F, 0}));
    }
    add_arms();
  }

  void plan_base(int count) {
    const int choice = random.integer(0, 2);
    if (count == 2) {
      is_block = true;
    } else if (count == 3) {
      has_column = true;
    } else if (count == 4) {
      has_back = choice != 0;
      num_panels = has_back ? 2 : 0;
      num_legs = has_back ? 0 : 3;
    } else if (count == 5) {
      has_back = choice != 0;
      has_column = choice == 1;
      num_feet = choice == 1 ? 1 : 0;
      has_headrest.times = num_feet;
      num_legs = choice == 0 ? 4 : (choice == 2 ? 3 : 0);
    } else if (count >= 8 && count <= 12 && random.chance(0.3F)) {
      has_column = true;
      num_feet = 5;
    } else {
      num_legs = 4;
    }
    is_round = num_legs == 3 || (!has_back && choice == 0);
  }

  void plan_extras(int count) {
    if (count < 6) {
      return;
    }
    num_stretchers.most = has_column ? 0 : 4;
    draw_plan(count - (has_column ? 8 : 6), {&num_arms, &num_stretchers, &num_spindles, &num_boards,
                                             &has_headrest, &has_cushion});
  }

  float lower_side() { return seat_height - seat_thickness; }

  // Where leg `index` of `num_legs` is at height `y`: right front, left front, left back, right
  // back.
  Vec3 leg_at(int index, float y) {
    const float out = splay * (1.0F - y / lower_side());
    if (num_legs == 3) {
      return around(120.0F * index, 0.38F * width + out) + Vec3(0, y, 0);
    }
    const float x = width / 2.0F - leg_radius - 0.02F + out;
    const float z = depth / 2.0F - leg_radius - 0.02F + out;
    return {index == 0 || index == 3 ? x : -x, y, index < 2 ? z : -z};
  }

  void add_legs() {
    const float top = lower_side();
    for (int i = 0; i < num_legs; ++i) {
      add("leg", kBrown, stick(legs, leg_at(i, 0), leg_at(i, top), leg_radius));
    }
    constexpr std::array<std::array<int, 2>, 4> kSides = {{{0, 3}, {1, 2}, {2, 3}, {0, 1}}};
    for (int i = 0; i < num_stretchers; ++i) {
      const float y = (i < 2 ? 0.3F : 0.5F) * top;
      const Vec3 from = leg_at(kSides[i][0], y);
      const Vec3 to = leg_at(kSides[i][1], y);
      const Vec3 inset = (to - from).normalized() * leg_radius * 0.9F;
      add("stretcher", kOrange, stick(kRound, from + inset, to - inset, 0.75F * leg_radius));
    }
  }

  void add_column() {
    const float top = lower_side();
    const float bottom = num_feet > 0 ? 0.12F : 0.0F;
    const Vec3 middle(0, (top + bottom) / 2.0F, 0);
    const float half_height = (top - bottom) / 2.0F;
    if (num_feet == 0) {
      add("column", kBrown, cone(0.42F * width, 0.16F, half_height, middle));
      return;
    }
    add("column", kBrown, cylinder(0.11F, half_height, middle));
    if (num_feet == 1) {
      add("foot", kDark, cylinder(0.42F * width, 0.06F, {0, 0.06F, 0}));
      return;
    }
    for (int i = 0; i < num_feet; ++i) {
      const Vec3 out = around(360.0F * i / num_feet, 1);
      add("foot", kDark,
          stick(kRound, 0.08F * out + Vec3(0, 0.11F, 0), 0.5F * width * out + Vec3(0, 0.07F, 0),
                0.07F));
    }
  }

  void add_seat() {
    const float bottom = is_block ? 0.0F : lower_side();
    const float half_height = (seat_height - bottom) / 2.0F;
    const float y = bottom + half_height;
    if (is_round) {
      add("seat", kRed, cylinder(width / 2.0F, half_height, {0, y, 0}));
      return;
    }
    const float gap = num_boards > 1 ? 0.03F : 0.0F;
    for (int i = 0; i < num_boards; ++i) {
      const auto [z, half_depth] = strip(i, num_boards, depth / 2.0F, gap);
      add("seat", kRed, box({width / 2.0F, half_height, half_depth}, {0, y, z}));
    }
    if (has_cushion) {
      const float half_depth = 0.44F * (depth - back_thickness);
      add("cushion", kPink,
          rounded_box({0.36F * width, 0.07F, half_depth}, 0.05F,
                      {0, seat_height + 0.065F, back_thickness / 2.0F}));
    }
  }

  void add_back() {
    if (!has_back) {
      return;
    }
    const float half_width = width / 2.0F;
    const float half_thickness = back_thickness / 2.0F;
    const float z = -depth / 2.0F + half_thickness;
    const float top = seat_height + back_height;
    const float rail = num_spindles > 0 ? 0.24F : back_height;
    const Vec3 half_size(half_width, rail / 2.0F, half_thickness);
    add("back", kYellow,
        num_spindles == 0 && is_round
            ? rounded_box(half_size, 0.6F * half_thickness, {0, top - rail / 2.0F, z})
            : box(half_size, {0, top - rail / 2.0F, z}));
    const float radius = num_spindles < 4 ? 0.065F : 0.045F;
    for (int i = 0; i < num_spindles; ++i) {
      const float x = spread(i, num_spindles, half_width - radius - 0.01F);
      const Vec3 foot(x, seat_height, z);
      const Vec3 head(x, top - rail, z);
      add("spindle", kTeal,
          num_spindles == 1 ? box({0.25F * half_width, (head - foot).y() / 2.0F, half_thickness},
                                  (foot + head) / 2.0F)
                            : stick(kRound, foot, head, radius));
    }
    if (has_headrest) {
      add("headrest", kPurple,
          rounded_box({0.6F * half_width, 0.1F, half_thickness + 0.02F}, 0.05F,
                      {0, top + 0.09F, z}));
    }
  }

  void add_arms() {
    if (num_arms == 0) {
      return;
    }
    const float front = depth / 2.0F;
    const float back = -front + back_thickness;
    const float z = (front + back) / 2.0F;
    const float half_length = (front - back) / 2.0F;
    const float x = width / 2.0F - 0.06F;
    if (num_arms == 1) {
      add_pair("arm", kBlue, box({0.06F, 0.19F, half_length}, {x, seat_height + 0.19F, z}));
      return;
    }
    const float height = 0.38F;
    add_pair("arm", kBlue, box({0.07F, 0.05F, half_length}, {x, seat_height + height + 0.05F, z}));
    const int num_posts = num_arms - 1;
    for (int i = 0; i < num_posts; ++i) {
      const float offset =
          num_posts == 1 ? 0.7F * half_length : spread(i, num_posts, 0.8F * half_length);
      const Vec3 foot(x, seat_height, z + offset);
      add_pair("arm_post", kSky, stick(kRound, foot, foot + Vec3(0, height, 0), 0.05F));
    }
  }

  // Which components there are.
  bool has_back = true;
  bool is_block = false;    // the seat reaches the floor
  bool has_column = false;  // one leg in the middle
  int num_feet = 0;         // under the column: 1 is a disc, more are a star
  int num_panels = 0;       // 2: sides that carry the seat
  int num_legs = 0;         // 3 or 4 at the corners
  // Per side: 1 a panel, more a rail on posts.
  Feature num_arms = {.step = 2, .most = 4, .weight = 2};
  Feature num_stretchers = {};                                   // between legs
  Feature num_spindles = {.most = 7, .weight = 2};               // 0: the back is solid
  Feature num_boards = {.most = 5, .weight = 0.7F, .times = 1};  // of the seat
  Feature has_headrest = {};
  Feature has_cushion = {};
  // Sizes.
  float width = random.uniform(0.9F, 1.2F);
  float depth = random.uniform(0.85F, 1.1F);
  float seat_height = random.uniform(0.7F, 0.95F);  // of its upper side
  float seat_thickness = random.uniform(0.12F, 0.2F);
  float back_height = random.uniform(0.75F, 1.1F);
  float back_thickness = random.uniform(0.1F, 0.16F);
  float leg_radius = random.uniform(0.06F, 0.09F);
  float splay = random.chance(0.4F) ? 0.1F : 0.0F;
  StickStyle legs = draw_stick_style();
  bool is_round = false;
};

}  // namespace

void build_chair(AssetBuilder& builder, int count) { Chair{{builder}}.build(count); }

}  // namespace moca::procedural
