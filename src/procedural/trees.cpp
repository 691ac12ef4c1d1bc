// Trees: conifers of stacked cones and broad-leaved trees of a crown with smaller crowns around it.
#include "families.h"

namespace moca::procedural {
namespace {

struct Crown {
  Vec3 center = Vec3::Zero();
  float radius = 0;

  // The point `beyond` above its surface, seen from its centre.
  Vec3 above(float azimuth, float elevation, float beyond) const {
    return center +
           turn_about(1, azimuth) * turn_about(0, -elevation) * Vec3(0, 0, radius + beyond);
  }
};

struct Tree : Maker {
  void build(int count) {
    if (count <= 20 && random.chance(0.5F)) {
      build_conifer(count);
    } else {
      build_broad_leaved(count);
    }
  }

  // What is below and around the trunk. Returns the height at which it begins.
  float add_ground() {
    float bottom = 0;
    if (has_mound) {
      add("mound", kLime, cone(0.55F, 0.4F, 0.06F, {0, 0.06F, 0}));
      bottom += 0.12F;
    }
    if (has_pot) {
      add("pot", kOrange, cone(0.2F, 0.3F, 0.15F, {0, bottom + 0.145F, 0}));
      bottom += 0.29F;
    }
    for (int i = 0; i < num_rocks; ++i) {
      const float size = random.uniform(0.09F, 0.13F);
      const Vec3 at = around(20.0F + 72.0F * i, 0.6F + size);
      add("rock", kGrey,
          i % 2 == 0 ? prism(size, 0.7F * size, at + Vec3(0, 0.7F * size, 0))
                     : sphere(size, at + Vec3(0, size, 0)));
    }
    return bottom;
  }

  void build_conifer(int count) {
    draw_plan(count - 2, {&num_layers, &num_baubles, &has_pot, &has_mound, &has_star, &num_rocks});
    float y = add_ground();
    const float trunk = random.uniform(0.3F, 0.45F);
    const float trunk_radius = random.uniform(0.09F, 0.14F);
    add("trunk", kBrown, cylinder(trunk_radius, trunk / 2.0F, {0, y + trunk / 2.0F, 0}));
    y += trunk;
    const float widest = random.uniform(0.45F, 0.65F);
    const float half_height = 0.7F / num_layers;
    const int baubles_per_layer = (num_baubles + num_layers - 1) / num_layers;
    int left = num_baubles;
    for (int i = 0; i < num_layers; ++i) {
      const float shrink = 1.0F - 0.75F * i / num_layers;
      const bool is_last = i == num_layers - 1;
      const float lower = widest * shrink;
      const float upper = is_last ? 0.03F : 0.45F * lower;
      add(i % 2 == 0 ? "layer" : "upper_layer", i % 2 == 0 ? kGreen : kTeal,
          cone(lower, upper, half_height, {0, y + half_height, 0}));
      for (int k = 0; k < baubles_per_layer && left > 0; ++k, --left) {
        const float angle = 15.0F + 40.0F * i + 360.0F * k / baubles_per_layer;
        const Vec3 out = around(angle, lower);
        add("bauble", kRed, sphere(0.07F, out + Vec3(0, y + 0.05F, 0)));
      }
      y += 2.0F * half_height - 0.005F;
    }
    if (has_star) {
      add("star", kYellow, prism(0.1F, 0.05F, {0, y + 0.04F, 0}));
    }
  }

  void add_around_crown(const Crown& crown) {
    const float start = random.uniform(0.0F, 60.0F);
    for (int i = 0; i < num_side_crowns; ++i) {
      const float radius = random.uniform(0.22F, 0.28F);
      const bool is_top = i == 6;
      const Vec3 at = crown.above(start + 60.0F * i, is_top ? 90.0F : 18.0F, 0.82F * radius);
      add("side_crown", kTeal, sphere(radius, at));
    }
    for (int i = 0; i < num_fruits; ++i) {
      const Vec3 at = crown.above(start + 30.0F + 60.0F * i, i < 6 ? -22.0F : -52.0F, 0.05F);
      add("fruit", kRed, sphere(0.075F, at));
    }
  }

  void build_broad_leaved(int count) {
    draw_plan(count - 2,
              {&num_side_crowns, &num_branches, &num_fruits, &has_pot, &has_mound, &num_rocks});
    const float bottom = add_ground();
    const float trunk = random.uniform(0.65F, 0.85F);
    const float trunk_radius = random.uniform(0.1F, 0.15F);
    const Vec3 middle(0, bottom + trunk / 2.0F, 0);
    add("trunk", kBrown,
        random.chance(0.5F) ? cone(1.3F * trunk_radius, 0.8F * trunk_radius, trunk / 2.0F, middle)
                            : cylinder(trunk_radius, trunk / 2.0F, middle));
    Crown crown;
    crown.radius = random.uniform(0.36F, 0.48F);
    crown.center = Vec3(0, bottom + trunk + 0.96F * crown.radius, 0);
    const bool is_plain = num_side_crowns == 0 && num_fruits == 0;
    add("crown", kGreen,
        is_plain && random.chance(0.5F)
            ? capsule(crown.radius, 0.15F, crown.center + Vec3(0, 0.15F, 0))
            : sphere(crown.radius, crown.center));
    add_around_crown(crown);
    for (int i = 0; i < num_branches; ++i) {
      const Vec3 out = around(72.0F * i, 1);
      const float y = bottom + (i % 2 == 0 ? 0.5F : 0.3F) * trunk;
      add("branch", kPurple,
          stick(kTapered, 0.42F * out + Vec3(0, y + 0.14F, 0),
                0.8F * trunk_radius * out + Vec3(0, y, 0), 0.06F));
    }
  }

  Feature has_pot = {};
  Feature has_mound = {.weight = 0.6F};
  Feature num_rocks = {.most = 5, .weight = 0.5F};
  Feature num_layers = {.most = 5, .weight = 3, .times = 1};  // of a conifer
  Feature num_baubles = {.most = 12, .weight = 0.7F};
  Feature has_star = {.weight = 0.8F};
  Feature num_side_crowns = {.most = 7, .weight = 3};  // of a broad-leaved tree
  Feature num_branches = {.most = 5, .weight = 0.8F};
  Feature num_fruits = {.most = 12, .weight = 0.8F};
};

}  // namespace

void build_tree(AssetBuilder& builder, int count) { Tree{{builder}}.build(count); }

}  // namespace moca::procedural
