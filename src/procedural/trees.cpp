// Trees: conifers of stacked cones and broad-leaved trees of a crown with smaller crowns around it.
#include "families.h"

namespace moca::procedural {
namespace {

// A vector of this length, turned up from the horizon and about Y from +Z.
Vec3 towards(float azimuth, float elevation, float length) {
  return turn_about(1, azimuth) * turn_about(0, -elevation) * Vec3(0, 0, length);
}

struct Tree : AssetBuilder {
  void build() { is_conifer ? build_conifer() : build_broad_leaved(); }

  // What is below and around the trunk. Returns the height at which it begins.
  float add_ground() {
    float bottom = 0;
    add(mound, cone(0.55F, 0.4F, 0.06F, up(0.06F)));
    bottom += mound ? 0.12F : 0.0F;
    add(pot, cone(0.2F, 0.3F, 0.15F, up(bottom + 0.145F)));
    bottom += pot ? 0.29F : 0.0F;
    for (int i = 0; i < rocks; ++i) {
      const float size = random.uniform(0.09F, 0.13F);
      const Vec3 at = around(20.0F + 72.0F * i, 0.6F + size);
      add(rocks, i % 2 == 0 ? prism(size, 0.7F * size, at + up(0.7F * size))
                            : sphere(size, at + up(size)));
    }
    return bottom;
  }

  void build_conifer() {
    float y = add_ground();
    const float trunk = random.uniform(0.3F, 0.45F);
    const float trunk_radius = random.uniform(0.09F, 0.14F);
    add("trunk", kBrown, cylinder(trunk_radius, trunk / 2.0F, up(y + trunk / 2.0F)));
    y += trunk;
    const float widest = random.uniform(0.45F, 0.65F);
    const float half_height = 0.7F / layers;
    const int baubles_per_layer = (baubles + layers - 1) / layers;
    int left = baubles;
    for (int i = 0; i < layers; ++i) {
      const float lower = widest * (1.0F - 0.75F * i / layers);
      const float upper = i == layers - 1 ? 0.03F : 0.45F * lower;
      const Primitive layer = cone(lower, upper, half_height, up(y + half_height));
      add_kind(i, {{"layer", kGreen, layer}, {"upper_layer", kTeal, layer}});
      for (int k = 0; k < baubles_per_layer && left > 0; ++k, --left) {
        const float angle = 15.0F + 40.0F * i + 360.0F * k / baubles_per_layer;
        add(baubles, sphere(0.07F, around(angle, lower) + up(y + 0.05F)));
      }
      y += 2.0F * half_height - 0.005F;
    }
    add(star, prism(0.1F, 0.05F, up(y + 0.04F)));
  }

  void build_broad_leaved() {
    const float bottom = add_ground();
    const float trunk = random.uniform(0.65F, 0.85F);
    const float trunk_radius = random.uniform(0.1F, 0.15F);
    const Vec3 middle = up(bottom + trunk / 2.0F);
    add("trunk", kBrown,
        random.chance(0.5F) ? cone(1.3F * trunk_radius, 0.8F * trunk_radius, trunk / 2.0F, middle)
                            : cylinder(trunk_radius, trunk / 2.0F, middle));
    const float crown = random.uniform(0.36F, 0.48F);
    const Vec3 center = up(bottom + trunk + 0.96F * crown);
    const bool is_tall = !side_crowns && !fruits && random.chance(0.5F);
    add("crown", kGreen,
        is_tall ? capsule(crown, 0.15F, center + up(0.15F)) : sphere(crown, center));
    const float start = random.uniform(0.0F, 60.0F);
    for (int i = 0; i < side_crowns; ++i) {
      const float radius = random.uniform(0.22F, 0.28F);
      const float elevation = i == 6 ? 90.0F : 18.0F;
      const Vec3 out = towards(start + 60.0F * i, elevation, crown + 0.82F * radius);
      add(side_crowns, sphere(radius, center + out));
    }
    for (int i = 0; i < fruits; ++i) {
      const float elevation = i < 6 ? -22.0F : -52.0F;
      const Vec3 out = towards(start + 30.0F + 60.0F * i, elevation, crown + 0.05F);
      add(fruits, sphere(0.075F, center + out));
    }
    for (int i = 0; i < branches; ++i) {
      const Vec3 out = around(72.0F * i, 1);
      const float y = bottom + (i % 2 == 0 ? 0.5F : 0.3F) * trunk;
      const Vec3 end = 0.42F * out + up(y + 0.14F);
      add(branches, stick(kTapered, end, 0.8F * trunk_radius * out + up(y), 0.06F));
    }
  }

  const bool is_conifer = count <= 20 && random.chance(0.5F);
  Feature& layers = feature({.most = is_conifer ? 5 : 0, .weight = 3, .times = 1});
  Feature& baubles = feature("bauble", kRed, {.most = is_conifer ? 12 : 0, .weight = 0.7F});
  Feature& side_crowns = feature("side_crown", kTeal, {.most = is_conifer ? 0 : 7, .weight = 3});
  Feature& branches = feature("branch", kPurple, {.most = is_conifer ? 0 : 5, .weight = 0.8F});
  Feature& fruits = feature("fruit", kRed, {.most = is_conifer ? 0 : 12, .weight = 0.8F});
  Feature& pot = feature("pot", kOrange);
  Feature& mound = feature("mound", kLime, {.weight = 0.6F});
  Feature& star = feature("star", kYellow, {.most = is_conifer ? 1 : 0, .weight = 0.8F});
  Feature& rocks = feature("rock", kGrey, {.most = 5, .weight = 0.5F});
  const int num_extra = draw_plan(2);
};

}  // namespace

Components make_tree(const AssetBuilder& start) { return made_by<Tree>(start); }

}  // namespace moca::procedural
