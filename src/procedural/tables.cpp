// Tables: a top on a column, panels or legs; below it aprons, drawers and a shelf, on it tableware.
#include <array>
#include <cmath>

#include "families.h"

namespace moca::procedural {
namespace {

struct Table : Maker {
  void build(int count) {
    plan(count);
    if (is_round) {
      depth = width;
    }
    add_top();
    if (has_column) {
      add_column();
    }
    if (num_panels > 0) {
      const float half_height = lower_side() / 2.0F;
      add_pair("side", kBrown,
               box({0.07F, half_height, 0.45F * depth}, {0.4F * width, half_height, 0}));
    }
    add_legs();
    add_below();
    add_things();
  }

  void plan(int count) {
    if (count == 2) {
      has_column = true;
    } else if (count == 3) {
      has_column = random.chance(0.5F);
      has_foot = has_column;
      num_panels = has_column ? 0 : 2;
    } else if (count == 4) {
      const bool on_panels = random.chance(0.5F);
      num_panels = on_panels ? 2 : 0;
      num_shelf_boards.times = on_panels ? 1 : 0;
      num_legs = on_panels ? 0 : 3;
    } else {
      num_legs = 4;
      draw_plan(count - 5,
                {&num_boards, &num_shelf_boards, &num_aprons, &num_drawers, &num_things});
    }
    const bool may_be_round =
        num_boards == 1 && num_shelf_boards == 0 && num_aprons == 0 && num_drawers == 0;
    is_round = num_legs == 3 || (may_be_round && random.chance(0.5F));
  }

  float lower_side() { return height - thickness; }

  void add_top() {
    const float half_thickness = thickness / 2.0F;
    const float y = height - half_thickness;
    if (is_round) {
      const float radius = width / 2.0F;
      const Vec3 center(0, y, 0);
      add("top", kOrange,
          random.chance(0.3F) ? prism(radius, half_thickness, center)
                              : cylinder(radius, half_thickness, center));
      return;
    }
    const float gap = num_boards > 1 ? 0.03F : 0.0F;
    for (int i = 0; i < num_boards; ++i) {
      const auto [z, half_depth] = strip(i, num_boards, depth / 2.0F, gap);
      add("top", kOrange, box({width / 2.0F, half_thickness, half_depth}, {0, y, z}));
    }
  }

  void add_column() {
    const float bottom = has_foot ? 0.14F : 0.0F;
    const float half_height = (lower_side() - bottom) / 2.0F;
    const Vec3 middle(0, bottom + half_height, 0);
    if (has_foot) {
      add("column", kBrown, stick(legs, {0, bottom, 0}, {0, lower_side(), 0}, 0.16F));
      add("foot", kDark, cylinder(0.32F * width, 0.07F, {0, 0.07F, 0}));
    } else if (random.chance(0.5F)) {
      add("column", kBrown, cone(0.5F, 0.2F, half_height, middle));
    } else {
      add("column", kBrown, box({0.35F, half_height, 0.3F}, middle));
    }
  }

  void add_legs() {
    const float top = lower_side();
    for (int i = 0; i < num_legs; ++i) {
      const float angle = num_legs == 3 ? 120.0F * i + 60.0F : 90.0F * i + 45.0F;
      Vec3 at = around(angle, 0.36F * width);
      if (!is_round) {
        at = Vec3(std::copysign(width / 2.0F - 0.13F, at.x()), 0,
                  std::copysign(depth / 2.0F - 0.13F, at.z()));
      }
      add("leg", kBrown, stick(legs, at, at + Vec3(0, top, 0), leg_radius));
    }
  }

  void add_below() {
    const float x = width / 2.0F - 0.13F;
    const float z = depth / 2.0F - 0.13F;
    const float y = lower_side() - 0.09F;
    const float clear = leg_radius;
    const std::array<Primitive, 4> aprons = {
        box({x - clear, 0.09F, 0.045F}, {0, y, z}), box({0.045F, 0.09F, z - clear}, {x, y, 0}),
        box({0.045F, 0.09F, z - clear}, {-x, y, 0}), box({x - clear, 0.09F, 0.045F}, {0, y, -z})};
    for (int i = 0; i < num_aprons; ++i) {
      add("apron", kTeal, aprons[i]);
    }
    for (int i = 0; i < num_drawers; ++i) {
      const auto [middle, half_width] = strip(i, num_drawers, x - clear, 0.06F);
      // Behind the front apron.
      add("drawer", kBlue, box({half_width, 0.12F, z - 0.1F}, {middle, lower_side() - 0.12F, 0}));
    }
    const float reach = num_panels > 0 ? 0.4F * depth : z - clear + 0.03F;
    const float half_width = num_panels > 0 ? 0.4F * width - 0.07F : x - 0.02F;
    const float gap = num_shelf_boards > 1 ? 0.015F : 0.0F;
    for (int i = 0; i < num_shelf_boards; ++i) {
      const auto [at, half_depth] = strip(i, num_shelf_boards, reach, gap);
      add("shelf", kSky, box({half_width, 0.05F, half_depth}, {0, 0.28F * height, at}));
    }
  }

  // Tableware in the cells of a 5 x 2 grid, one kind after another so that kinds do not repeat
  // early.
  void add_things() {
    const int first_cell = random.integer(0, 9);
    const int first_kind = random.integer(0, 3);
    const float reach = is_round ? 0.68F : 0.86F;
    for (int i = 0; i < num_things; ++i) {
      const int cell = (first_cell + 3 * i) % 10;
      const Vec3 at(spread(cell % 5, 5, (width / 2.0F - 0.12F) * reach), height,
                    spread(cell / 5, 2, depth * 0.24F));
      const float size = random.uniform(0.1F, 0.15F);
      switch ((first_kind + i) % 4) {
        case 0:
          add("vase", kPurple, cone(0.6F * size, size, 1.6F * size, at + Vec3(0, 1.6F * size, 0)));
          break;
        case 1:
          add("ball", kRed, sphere(size, at + Vec3(0, 0.98F * size, 0)));
          break;
        case 2:
          add("book", kGreen, box({size, 0.06F, 1.3F * size}, at + Vec3(0, 0.06F, 0)));
          break;
        default:
          add("ring", kYellow, torus(1.1F * size, 0.42F * size, at + Vec3(0, 0.41F * size, 0)));
          break;
      }
    }
  }

  bool has_column = false;
  bool has_foot = false;
  int num_panels = 0;
  int num_legs = 0;
  Feature num_boards = {.most = 5, .weight = 0.6F, .times = 1};  // of the top
  Feature num_shelf_boards = {.most = 6, .weight = 0.8F};        // below it
  Feature num_aprons = {.most = 4, .weight = 0.7F};              // front, right, left, back
  Feature num_drawers = {.most = 3, .weight = 0.7F};
  Feature num_things = {.most = 10, .weight = 2};  // on the top
  bool is_round = false;
  float depth = random.uniform(0.95F, 1.3F);
  float width = random.uniform(1.4F, 1.9F);
  float height = random.uniform(0.8F, 1.25F);
  float thickness = random.uniform(0.1F, 0.16F);
  float leg_radius = random.uniform(0.07F, 0.11F);
  StickStyle legs = draw_stick_style();
};

}  // namespace

void build_table(AssetBuilder& builder, int count) { Table{{builder}}.build(count); }

}  // namespace moca::procedural
