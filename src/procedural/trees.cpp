// Trees: conifers of stacked cones and broad-leaved trees of a crown with smaller crowns around it.
#include "families.h"

namespace moca::procedural {
namespace {

struct Tree {
  bool has_pot = false;
  bool has_mound = false;
  int num_rocks = 0;
  int num_layers = 0;  // of a conifer
  int num_baubles = 0;
  bool has_star = false;
  int num_side_crowns = 0;  // of a broad-leaved tree
  int num_branches = 0;
  int num_fruits = 0;
};

// What is below and around the trunk. Returns the height at which it begins.
float add_ground(AssetBuilder& builder, const Tree& tree) {
  float bottom = 0;
  if (tree.has_mound) {
    builder.add("mound", paint::kLime, cone(0.55F, 0.4F, 0.06F, Vec3(0, 0.06F, 0)));
    bottom += 0.12F;
  }
  if (tree.has_pot) {
    builder.add("pot", paint::kOrange, cone(0.2F, 0.3F, 0.15F, Vec3(0, bottom + 0.145F, 0)));
    bottom += 0.29F;
  }
  for (int i = 0; i < tree.num_rocks; ++i) {
    const float size = builder.random().uniform(0.09F, 0.13F);
    const Vec3 at = turn_about(1, 20.0F + 72.0F * static_cast<float>(i)) * Vec3(0, 0, 0.6F + size);
    builder.add("rock", paint::kGrey,
                i % 2 == 0 ? prism(size, 0.7F * size, at + Vec3(0, 0.7F * size, 0))
                           : sphere(size, at + Vec3(0, size, 0)));
  }
  return bottom;
}

void build_conifer(AssetBuilder& builder, int count) {
  Random& random = builder.random();
  Tree tree;
  draw_plan(count - 2,
            {{&tree.num_layers, {.most = 5, .weight = 3}},
             {&tree.num_baubles, {.most = 12, .weight = 0.7F}},
             {&tree.has_pot, {}},
             {&tree.has_mound, {.weight = 0.6F}},
             {&tree.has_star, {.weight = 0.8F}},
             {&tree.num_rocks, {.most = 5, .weight = 0.5F}}},
            random);
  const int num_layers = tree.num_layers + 1;
  float y = add_ground(builder, tree);
  const float trunk = random.uniform(0.3F, 0.45F);
  const float trunk_radius = random.uniform(0.09F, 0.14F);
  builder.add("trunk", paint::kBrown,
              cylinder(trunk_radius, trunk / 2.0F, Vec3(0, y + trunk / 2.0F, 0)));
  y += trunk;
  const float widest = random.uniform(0.45F, 0.65F);
  const float half_height = 0.7F / static_cast<float>(num_layers);
  const int baubles_per_layer = (tree.num_baubles + num_layers - 1) / num_layers;
  int left = tree.num_baubles;
  for (int i = 0; i < num_layers; ++i) {
    const float shrink = 1.0F - 0.75F * static_cast<float>(i) / static_cast<float>(num_layers);
    const bool is_last = i == num_layers - 1;
    const float lower = widest * shrink;
    const float upper = is_last ? 0.03F : 0.45F * lower;
    builder.add(i % 2 == 0 ? "layer" : "upper_layer", i % 2 == 0 ? paint::kGreen : paint::kTeal,
                cone(lower, upper, half_height, Vec3(0, y + half_height, 0)));
    for (int k = 0; k < baubles_per_layer && left > 0; ++k, --left) {
      const float angle = 15.0F + 40.0F * static_cast<float>(i) +
                          360.0F * static_cast<float>(k) / static_cast<float>(baubles_per_layer);
      const Vec3 out = turn_about(1, angle) * Vec3(0, 0, lower);
      builder.add("bauble", paint::kRed, sphere(0.07F, out + Vec3(0, y + 0.05F, 0)));
    }
    y += 2.0F * half_height - 0.005F;
  }
  if (tree.has_star) {
    builder.add("star", paint::kYellow, prism(0.1F, 0.05F, Vec3(0, y + 0.04F, 0)));
  }
}

struct Crown {
  Vec3 center = Vec3::Zero();
  float radius = 0;

  // The point `beyond` above its surface, seen from its centre.
  Vec3 above(float azimuth, float elevation, float beyond) const {
    return center +
           turn_about(1, azimuth) * turn_about(0, -elevation) * Vec3(0, 0, radius + beyond);
  }
};

void add_around_crown(AssetBuilder& builder, const Crown& crown, const Tree& tree) {
  const float start = builder.random().uniform(0.0F, 60.0F);
  for (int i = 0; i < tree.num_side_crowns; ++i) {
    const float radius = builder.random().uniform(0.22F, 0.28F);
    const bool is_top = i == 6;
    const Vec3 at =
        crown.above(start + 60.0F * static_cast<float>(i), is_top ? 90.0F : 18.0F, 0.82F * radius);
    builder.add("side_crown", paint::kTeal, sphere(radius, at));
  }
  for (int i = 0; i < tree.num_fruits; ++i) {
    const Vec3 at =
        crown.above(start + 30.0F + 60.0F * static_cast<float>(i), i < 6 ? -22.0F : -52.0F, 0.05F);
    builder.add("fruit", paint::kRed, sphere(0.075F, at));
  }
}

void build_broad_leaved(AssetBuilder& builder, int count) {
  Random& random = builder.random();
  Tree tree;
  draw_plan(count - 2,
            {{&tree.num_side_crowns, {.most = 7, .weight = 3}},
             {&tree.num_branches, {.most = 5, .weight = 0.8F}},
             {&tree.num_fruits, {.most = 12, .weight = 0.8F}},
             {&tree.has_pot, {}},
             {&tree.has_mound, {.weight = 0.6F}},
             {&tree.num_rocks, {.most = 5, .weight = 0.5F}}},
            random);
  const float bottom = add_ground(builder, tree);
  const float trunk = random.uniform(0.65F, 0.85F);
  const float trunk_radius = random.uniform(0.1F, 0.15F);
  const Vec3 middle(0, bottom + trunk / 2.0F, 0);
  builder.add("trunk", paint::kBrown,
              random.chance(0.5F)
                  ? cone(1.3F * trunk_radius, 0.8F * trunk_radius, trunk / 2.0F, middle)
                  : cylinder(trunk_radius, trunk / 2.0F, middle));
  Crown crown;
  crown.radius = random.uniform(0.36F, 0.48F);
  crown.center = Vec3(0, bottom + trunk + 0.96F * crown.radius, 0);
  const bool is_plain = tree.num_side_crowns == 0 && tree.num_fruits == 0;
  builder.add("crown", paint::kGreen,
              is_plain && random.chance(0.5F)
                  ? capsule(crown.radius, 0.15F, crown.center + Vec3(0, 0.15F, 0))
                  : sphere(crown.radius, crown.center));
  add_around_crown(builder, crown, tree);
  for (int i = 0; i < tree.num_branches; ++i) {
    const Vec3 out = turn_about(1, 72.0F * static_cast<float>(i)) * Vec3(0, 0, 1);
    const float y = bottom + (i % 2 == 0 ? 0.5F : 0.3F) * trunk;
    builder.add("branch", paint::kPurple,
                stick(StickStyle::kTapered, 0.42F * out + Vec3(0, y + 0.14F, 0),
                      0.8F * trunk_radius * out + Vec3(0, y, 0), 0.06F));
  }
}

}  // namespace

void build_tree(AssetBuilder& builder, int count) {
  if (count <= 20 && builder.random().chance(0.5F)) {
    build_conifer(builder, count);
  } else {
    build_broad_leaved(builder, count);
  }
}

}  // namespace moca::procedural
