// Chairs and stools: a base, a seat, mostly a back, and what a rich chair has besides.
#include <algorithm>
#include <utility>

#include "families.h"

namespace moca::procedural {
namespace {

struct Chair : AssetBuilder {
  void build() {
    add_seat();
    if (has_back) {
      add_back();
    }
    add_legs();
    if (has_column) {
      add_column();
    }
    if (has_sides) {
      const float half_height = lower_side() / 2.0F;
      add_pair("side", kBrown,
               box({0.07F, half_height, 0.46F * depth}, {0.4F * width, half_height, 0}));
    }
    add_arms();
  }

  float lower_side() { return seat_height - seat_thickness; }

  // Where leg `index` of `num_legs` is at height `y`: right front, left front, left back, right
  // back.
  Vec3 leg_at(int index, float y) {
    const float out = splay * (1.0F - y / lower_side());
    if (num_legs == 3) {
      return around(120.0F * index, 0.38F * width + out) + up(y);
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
    constexpr std::array<std::pair<int, int>, 4> kSides = {{{0, 3}, {1, 2}, {2, 3}, {0, 1}}};
    for (int i = 0; i < stretchers; ++i) {
      const float y = (i < 2 ? 0.3F : 0.5F) * top;
      const Vec3 from = leg_at(kSides[i].first, y);
      const Vec3 to = leg_at(kSides[i].second, y);
      const Vec3 inset = (to - from).normalized() * leg_radius * 0.9F;
      add(stretchers, stick(kRound, from + inset, to - inset, 0.75F * leg_radius));
    }
  }

  void add_column() {
    const float top = lower_side();
    const float bottom = num_feet > 0 ? 0.12F : 0.0F;
    const Vec3 middle = up((top + bottom) / 2.0F);
    const float half_height = (top - bottom) / 2.0F;
    add("column", kBrown,
        num_feet == 0 ? cone(0.42F * width, 0.16F, half_height, middle)
                      : cylinder(0.11F, half_height, middle));
    if (num_feet == 1) {
      add("foot", kDark, cylinder(0.42F * width, 0.06F, up(0.06F)));
    }
    for (int i = 0; has_star && i < num_feet; ++i) {
      const Vec3 out = around(360.0F * i / num_feet, 1);
      const Vec3 end = 0.5F * width * out + up(0.07F);
      add("foot", kDark, stick(kRound, 0.08F * out + up(0.11F), end, 0.07F));
    }
  }

  void add_seat() {
    const float bottom = count == 2 ? 0.0F : lower_side();  // a block reaches the floor
    const float half_height = (seat_height - bottom) / 2.0F;
    const float y = bottom + half_height;
    if (is_round) {
      add("seat", kRed, cylinder(width / 2.0F, half_height, up(y)));
      return;
    }
    add_boards(boards, {width / 2.0F, half_height, depth / 2.0F}, y, 0.03F);
    const Vec3 soft(0.36F * width, 0.07F, 0.44F * (depth - back_thickness));
    add(cushion, rounded_box(soft, 0.05F, {0, seat_height + 0.065F, back_thickness / 2.0F}));
  }

  void add_back() {
    const float half_width = width / 2.0F;
    const float half_thickness = back_thickness / 2.0F;
    const float z = -depth / 2.0F + half_thickness;
    const float top = seat_height + back_height;
    const float rail = spindles > 0 ? 0.24F : back_height;
    const Vec3 half(half_width, rail / 2.0F, half_thickness);
    const Vec3 at(0, top - rail / 2.0F, z);
    const bool is_soft = spindles == 0 && is_round;
    add("back", kYellow, is_soft ? rounded_box(half, 0.6F * half_thickness, at) : box(half, at));
    const float radius = spindles < 4 ? 0.065F : 0.045F;
    for (int i = 0; i < spindles; ++i) {
      const float x = spread(i, spindles, half_width - radius - 0.01F);
      const Vec3 foot(x, seat_height, z);
      const Vec3 head(x, top - rail, z);
      const Vec3 board(0.25F * half_width, (head - foot).y() / 2.0F, half_thickness);
      add(spindles,
          spindles == 1 ? box(board, (foot + head) / 2.0F) : stick(kRound, foot, head, radius));
    }
    const Vec3 soft(0.6F * half_width, 0.1F, half_thickness + 0.02F);
    add(headrest, rounded_box(soft, 0.05F, {0, top + 0.09F, z}));
  }

  void add_arms() {
    const float front = depth / 2.0F;
    const float back = -front + back_thickness;
    const float z = (front + back) / 2.0F;
    const float half_length = (front - back) / 2.0F;
    const float x = width / 2.0F - 0.06F;
    if (arms == 1) {
      add_pair(arms, box({0.06F, 0.19F, half_length}, {x, seat_height + 0.19F, z}));
      return;
    }
    const float height = 0.38F;
    add_pair(arms, box({0.07F, 0.05F, half_length}, {x, seat_height + height + 0.05F, z}));
    const int num_posts = arms - 1;
    for (int i = 0; i < num_posts; ++i) {
      const float offset =
          num_posts == 1 ? 0.7F * half_length : spread(i, num_posts, 0.8F * half_length);
      const Vec3 foot(x, seat_height, z + offset);
      add_pair("arm_post", kSky, stick(kRound, foot, foot + up(height), 0.05F));
    }
  }

  // Sizes.
  const float width = random.uniform(0.9F, 1.2F);
  const float depth = random.uniform(0.85F, 1.1F);
  const float seat_height = random.uniform(0.7F, 0.95F);  // of its upper side
  const float seat_thickness = random.uniform(0.12F, 0.2F);
  const float back_height = random.uniform(0.75F, 1.1F);
  const float back_thickness = random.uniform(0.1F, 0.16F);
  const float leg_radius = random.uniform(0.06F, 0.09F);
  const float splay = random.chance(0.4F) ? 0.1F : 0.0F;
  const StickStyle legs = draw_stick_style();
  // Which components there are.
  const int choice = random.integer(0, 2);
  const bool has_back = choice != 0 || count < 4 || count > 5;
  const bool has_sides = count == 4 && has_back;  // that carry the seat
  const bool has_star = count >= 8 && count <= 12 && random.chance(0.3F);
  // Under the column: 1 is a disc, five are a star.
  const int num_feet = has_star ? 5 : (count == 5 && choice == 1 ? 1 : 0);
  const bool has_column = count == 3 || num_feet > 0;  // one leg in the middle
  const bool has_legs = count > 3 && !has_column && !has_sides;
  const int num_legs = !has_legs ? 0 : (count == 4 || (count == 5 && has_back) ? 3 : 4);
  const bool is_round = num_legs == 3 || !has_back;
  // Per side: 1 a panel, more a rail on posts.
  Feature& arms = feature("arm", kBlue, {.step = 2, .most = 4, .weight = 2});
  Feature& stretchers = feature("stretcher", kOrange, {.most = has_column ? 0 : 4});
  // In the back, which is solid without any.
  Feature& spindles = feature("spindle", kTeal, {.most = 7, .weight = 2});
  Feature& boards = feature("seat", kRed, {.most = 5, .weight = 0.7F, .times = 1});
  Feature& headrest = feature("headrest", kPurple, {.times = num_feet == 1 ? 1 : 0});
  Feature& cushion = feature("cushion", kPink);
  const int num_extra = draw_plan(std::max(6, 3 + num_feet));
};

}  // namespace

Components make_chair(const AssetBuilder& start) { return made_by<Chair>(start); }

}  // namespace moca::procedural
