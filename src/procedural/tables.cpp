// Tables: a top on a column, panels or legs; below it aprons, drawers and a shelf, on it tableware.
#include <cmath>

#include "families.h"

namespace moca::procedural {
namespace {

struct Table : AssetBuilder {
  void build() {
    add_top();
    if (on_column) {
      add_column();
    }
    if (on_panels) {
      const float half_height = lower_side() / 2.0F;
      add_pair("side", kBrown,
               box({0.07F, half_height, 0.45F * depth}, {0.4F * width, half_height, 0}));
    }
    add_legs();
    add_below();
    add_things();
  }

  float lower_side() { return height - thickness; }

  void add_top() {
    const float half_thickness = thickness / 2.0F;
    const float y = height - half_thickness;
    if (is_round) {
      add("top", kOrange,
          random.chance(0.3F) ? prism(width / 2.0F, half_thickness, up(y))
                              : cylinder(width / 2.0F, half_thickness, up(y)));
      return;
    }
    add_boards(boards, {width / 2.0F, half_thickness, depth / 2.0F}, y, 0.03F);
  }

  void add_column() {
    const float bottom = has_foot ? 0.14F : 0.0F;
    const float half_height = (lower_side() - bottom) / 2.0F;
    const Vec3 middle = up(bottom + half_height);
    if (has_foot) {
      add("column", kBrown, stick(legs, up(bottom), up(lower_side()), 0.16F));
      add("foot", kDark, cylinder(0.32F * width, 0.07F, up(0.07F)));
    } else {
      add("column", kBrown,
          random.chance(0.5F) ? cone(0.5F, 0.2F, half_height, middle)
                              : box({0.35F, half_height, 0.3F}, middle));
    }
  }

  void add_legs() {
    for (int i = 0; i < num_legs; ++i) {
      const float angle = num_legs == 3 ? 120.0F * i + 60.0F : 90.0F * i + 45.0F;
      Vec3 at = around(angle, 0.36F * width);
      if (!is_round) {
        at = Vec3(std::copysign(width / 2.0F - 0.13F, at.x()), 0,
                  std::copysign(depth / 2.0F - 0.13F, at.z()));
      }
      add("leg", kBrown, stick(legs, at, at + up(lower_side()), leg_radius));
    }
  }

  void add_below() {
    const float x = width / 2.0F - 0.13F;
    const float z = depth / 2.0F - 0.13F;
    const float y = lower_side() - 0.09F;
    const Vec3 along(x - leg_radius, 0.09F, 0.045F);
    const Vec3 across(0.045F, 0.09F, z - leg_radius);
    const std::array<Primitive, 4> sides = {box(along, {0, y, z}), box(across, {x, y, 0}),
                                            box(across, {-x, y, 0}), box(along, {0, y, -z})};
    for (int i = 0; i < aprons; ++i) {
      add(aprons, sides[i]);
    }
    for (int i = 0; i < drawers; ++i) {
      const auto [middle, half_width] = strip(i, drawers, x - leg_radius, 0.06F);
      // Behind the front apron.
      add(drawers, box({half_width, 0.12F, z - 0.1F}, {middle, lower_side() - 0.12F, 0}));
    }
    const float reach = on_panels ? 0.4F * depth : z - leg_radius + 0.03F;
    const float half_width = on_panels ? 0.4F * width - 0.07F : x - 0.02F;
    add_boards(shelf_boards, {half_width, 0.05F, reach}, 0.28F * height, 0.015F);
  }

  // Tableware in the cells of a 5 x 2 grid, one kind after another so that kinds do not repeat
  // early.
  void add_things() {
    const int first_cell = random.integer(0, 9);
    const int first_kind = random.integer(0, 3);
    const float reach = is_round ? 0.68F : 0.86F;
    for (int i = 0; i < things; ++i) {
      const int cell = (first_cell + 3 * i) % 10;
      const Vec3 at(spread(cell % 5, 5, (width / 2.0F - 0.12F) * reach), height,
                    spread(cell / 5, 2, depth * 0.24F));
      const float size = random.uniform(0.1F, 0.15F);
      add_kind(first_kind + i,
               {{"vase", kPurple, cone(0.6F * size, size, 1.6F * size, at + up(1.6F * size))},
                {"ball", kRed, sphere(size, at + up(0.98F * size))},
                {"book", kGreen, box({size, 0.06F, 1.3F * size}, at + up(0.06F))},
                {"ring", kYellow, torus(1.1F * size, 0.42F * size, at + up(0.41F * size))}});
    }
  }

  const float full_depth = random.uniform(0.95F, 1.3F);  // unless it is round
  const float width = random.uniform(1.4F, 1.9F);
  const float height = random.uniform(0.8F, 1.25F);
  const float thickness = random.uniform(0.1F, 0.16F);
  const float leg_radius = random.uniform(0.07F, 0.11F);
  const StickStyle legs = draw_stick_style();
  const bool on_column = count == 2 || (count == 3 && random.chance(0.5F));
  const bool has_foot = count == 3;  // of the column
  const bool on_panels = (count == 3 && !on_column) || (count == 4 && random.chance(0.5F));
  const int num_legs = on_column || on_panels ? 0 : (count == 4 ? 3 : 4);
  Feature& boards = feature("top", kOrange, {.most = 5, .weight = 0.6F, .times = 1});
  Feature& shelf_boards =
      feature("shelf", kSky, {.most = 6, .weight = 0.8F, .times = count == 4 && on_panels ? 1 : 0});
  Feature& aprons =
      feature("apron", kTeal, {.most = 4, .weight = 0.7F});  // front, right, left, back
  Feature& drawers = feature("drawer", kBlue, {.most = 3, .weight = 0.7F});
  Feature& things = feature({.most = 10, .weight = 2});  // on the top
  const int num_extra = draw_plan(5);
  const bool may_be_round = boards == 1 && !shelf_boards && !aprons && !drawers;
  const bool is_round = num_legs == 3 || (may_be_round && random.chance(0.5F));
  const float depth = is_round ? width : full_depth;
};

}  // namespace

Components make_table(const AssetBuilder& start) { return made_by<Table>(start); }

}  // namespace moca::procedural
