// Tables: a top on a column, panels or legs; below it aprons, drawers and a shelf, on it tableware.
#include <array>
#include <cmath>

#include "families.h"

namespace moca::procedural {
namespace {

struct Table {
  bool has_column = false;
  bool has_foot = false;
  int num_panels = 0;
  int num_legs = 0;
  int num_boards = 1;        // of the top
  int num_shelf_boards = 0;  // below it
  int num_aprons = 0;        // front, right, left, back
  int num_drawers = 0;
  int num_things = 0;  // on the top
  bool is_round = false;
  float width = 1.9F;
  float depth = 1.1F;
  float height = 1.0F;
  float thickness = 0.12F;
  float leg_radius = 0.09F;
  StickStyle legs = StickStyle::kSquare;
};

void plan_table(Table& table, int count, Random& random) {
  if (count == 2) {
    table.has_column = true;
  } else if (count == 3) {
    table.has_column = random.chance(0.5F);
    table.has_foot = table.has_column;
    table.num_panels = table.has_column ? 0 : 2;
  } else if (count == 4) {
    const bool on_panels = random.chance(0.5F);
    table.num_panels = on_panels ? 2 : 0;
    table.num_shelf_boards = on_panels ? 1 : 0;
    table.num_legs = on_panels ? 0 : 3;
  } else {
    table.num_legs = 4;
    draw_plan(count - 5,
              {{&table.num_boards, {.most = 5, .weight = 0.6F}},
               {&table.num_shelf_boards, {.most = 6, .weight = 0.8F}},
               {&table.num_aprons, {.most = 4, .weight = 0.7F}},
               {&table.num_drawers, {.most = 3, .weight = 0.7F}},
               {&table.num_things, {.most = 10, .weight = 2}}},
              random);
    table.num_boards += 1;  // one is there anyway
  }
  const bool may_be_round = table.num_boards == 1 && table.num_shelf_boards == 0 &&
                            table.num_aprons == 0 && table.num_drawers == 0;
  table.is_round = table.num_legs == 3 || (may_be_round && random.chance(0.5F));
}

void draw_sizes(Table& table, Random& random) {
  table.depth = random.uniform(0.95F, 1.3F);
  table.width = random.uniform(1.4F, 1.9F);
  table.height = random.uniform(0.8F, 1.25F);
  table.thickness = random.uniform(0.1F, 0.16F);
  table.leg_radius = random.uniform(0.07F, 0.11F);
  table.legs = draw_stick_style(random);
}

float lower_side(const Table& table) { return table.height - table.thickness; }

void add_top(AssetBuilder& builder, const Table& table) {
  const float half_thickness = table.thickness / 2.0F;
  const float y = table.height - half_thickness;
  if (table.is_round) {
    const float radius = table.width / 2.0F;
    const Vec3 center(0, y, 0);
    builder.add("top", paint::kOrange,
                builder.random().chance(0.3F) ? prism(radius, half_thickness, center)
                                              : cylinder(radius, half_thickness, center));
    return;
  }
  const float gap = table.num_boards > 1 ? 0.03F : 0.0F;
  for (int i = 0; i < table.num_boards; ++i) {
    const auto [z, half_depth] = strip(i, table.num_boards, table.depth / 2.0F, gap);
    builder.add("top", paint::kOrange,
                box(Vec3(table.width / 2.0F, half_thickness, half_depth), Vec3(0, y, z)));
  }
}

void add_column(AssetBuilder& builder, const Table& table) {
  const float bottom = table.has_foot ? 0.14F : 0.0F;
  const float half_height = (lower_side(table) - bottom) / 2.0F;
  const Vec3 middle(0, bottom + half_height, 0);
  if (table.has_foot) {
    builder.add("column", paint::kBrown,
                stick(table.legs, Vec3(0, bottom, 0), Vec3(0, lower_side(table), 0), 0.16F));
    builder.add("foot", paint::kDark, cylinder(0.32F * table.width, 0.07F, Vec3(0, 0.07F, 0)));
  } else if (builder.random().chance(0.5F)) {
    builder.add("column", paint::kBrown, cone(0.5F, 0.2F, half_height, middle));
  } else {
    builder.add("column", paint::kBrown, box(Vec3(0.35F, half_height, 0.3F), middle));
  }
}

void add_legs(AssetBuilder& builder, const Table& table) {
  const float top = lower_side(table);
  for (int i = 0; i < table.num_legs; ++i) {
    const float angle = table.num_legs == 3 ? 120.0F * static_cast<float>(i) + 60.0F
                                            : 90.0F * static_cast<float>(i) + 45.0F;
    Vec3 at = turn_about(1, angle) * Vec3(0, 0, 0.36F * table.width);
    if (!table.is_round) {
      at = Vec3(std::copysign(table.width / 2.0F - 0.13F, at.x()), 0,
                std::copysign(table.depth / 2.0F - 0.13F, at.z()));
    }
    builder.add("leg", paint::kBrown,
                stick(table.legs, at, at + Vec3(0, top, 0), table.leg_radius));
  }
}

void add_below(AssetBuilder& builder, const Table& table) {
  const float x = table.width / 2.0F - 0.13F;
  const float z = table.depth / 2.0F - 0.13F;
  const float y = lower_side(table) - 0.09F;
  const float clear = table.leg_radius;
  const std::array<Primitive, 4> aprons = {box(Vec3(x - clear, 0.09F, 0.045F), Vec3(0, y, z)),
                                           box(Vec3(0.045F, 0.09F, z - clear), Vec3(x, y, 0)),
                                           box(Vec3(0.045F, 0.09F, z - clear), Vec3(-x, y, 0)),
                                           box(Vec3(x - clear, 0.09F, 0.045F), Vec3(0, y, -z))};
  for (int i = 0; i < table.num_aprons; ++i) {
    builder.add("apron", paint::kTeal, aprons[i]);
  }
  for (int i = 0; i < table.num_drawers; ++i) {
    const auto [middle, half_width] = strip(i, table.num_drawers, x - clear, 0.06F);
    // Behind the front apron.
    builder.add("drawer", paint::kBlue,
                box(Vec3(half_width, 0.12F, z - 0.1F), Vec3(middle, lower_side(table) - 0.12F, 0)));
  }
  const float reach = table.num_panels > 0 ? 0.4F * table.depth : z - clear + 0.03F;
  const float half_width = table.num_panels > 0 ? 0.4F * table.width - 0.07F : x - 0.02F;
  const float gap = table.num_shelf_boards > 1 ? 0.015F : 0.0F;
  for (int i = 0; i < table.num_shelf_boards; ++i) {
    const auto [at, half_depth] = strip(i, table.num_shelf_boards, reach, gap);
    builder.add("shelf", paint::kSky,
                box(Vec3(half_width, 0.05F, half_depth), Vec3(0, 0.28F * table.height, at)));
  }
}

// Tableware in the cells of a 5 x 2 grid, one kind after another so that kinds do not repeat early.
void add_things(AssetBuilder& builder, const Table& table) {
  Random& random = builder.random();
  const int first_cell = random.integer(0, 9);
  const int first_kind = random.integer(0, 3);
  const float reach = table.is_round ? 0.68F : 0.86F;
  for (int i = 0; i < table.num_things; ++i) {
    const int cell = (first_cell + 3 * i) % 10;
    const Vec3 at(spread(cell % 5, 5, (table.width / 2.0F - 0.12F) * reach), table.height,
                  spread(cell / 5, 2, table.depth * 0.24F));
    const float size = random.uniform(0.1F, 0.15F);
    switch ((first_kind + i) % 4) {
      case 0:
        builder.add("vase", paint::kPurple,
                    cone(0.6F * size, size, 1.6F * size, at + Vec3(0, 1.6F * size, 0)));
        break;
      case 1:
        builder.add("ball", paint::kRed, sphere(size, at + Vec3(0, 0.98F * size, 0)));
        break;
      case 2:
        builder.add("book", paint::kGreen,
                    box(Vec3(size, 0.06F, 1.3F * size), at + Vec3(0, 0.06F, 0)));
        break;
      default:
        builder.add("ring", paint::kYellow,
                    torus(1.1F * size, 0.42F * size, at + Vec3(0, 0.41F * size, 0)));
        break;
    }
  }
}

}  // namespace

void build_table(AssetBuilder& builder, int count) {
  Table table;
  draw_sizes(table, builder.random());
  plan_table(table, count, builder.random());
  if (table.is_round) {
    table.depth = table.width;
  }
  add_top(builder, table);
  if (table.has_column) {
    add_column(builder, table);
  }
  if (table.num_panels > 0) {
    const float half_height = lower_side(table) / 2.0F;
    builder.add_pair("side", paint::kBrown,
                     box(Vec3(0.07F, half_height, 0.45F * table.depth),
                         Vec3(0.4F * table.width, half_height, 0)));
  }
  add_legs(builder, table);
  add_below(builder, table);
  add_things(builder, table);
}

}  // namespace moca::procedural
