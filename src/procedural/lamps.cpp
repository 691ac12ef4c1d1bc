// Lamps: a base, a pole and a shade; beads and discs on the pole, arms with lights of their own.
#include "families.h"

namespace moca::procedural {
namespace {

struct Lamp : AssetBuilder {
  void build() {
    if (count == 2) {
      add_table_lamp();
      return;
    }
    draw_plan(3);
    const float bottom = add_base();
    const float half_pole = pole_height / 2.0F;
    add("pole", kGrey, cylinder(pole_radius, half_pole, up(bottom + half_pole)));
    add_beads(bottom);
    add_arms(bottom);
    add_shade(bottom + pole_height);
  }

  // A thick body with a shade: all there is with two components.
  void add_table_lamp() {
    const float radius = 0.6F * shade_radius + 0.1F;
    const float half_height = 0.45F * pole_height;
    const Vec3 center = up(half_height);
    const float half_shade = shade_height / 2.0F;
    add("base", kBlue,
        random.choice({cone(radius, 0.4F * radius, half_height, center),
                       prism(radius, half_height, center),
                       cylinder(0.8F * radius, half_height, center), sphere(half_height, center)}));
    add("shade", kYellow,
        cone(1.3F * shade_radius, shade_upper, half_shade,
             up(2.0F * half_height + half_shade - 0.01F)));
  }

  float add_base() {
    float y = feet ? 0.17F : 0.0F;
    const int num_feet = 3 * feet;
    for (int i = 0; i < num_feet; ++i) {
      add(feet, sphere(0.09F, around(360.0F * i / num_feet, 0.75F * base_radius) + up(0.09F)));
    }
    const bool is_dome = discs == 0 && random.chance(0.4F);
    add("base", kBlue,
        is_dome ? cone(base_radius, 0.35F * base_radius, 0.1F, up(y + 0.1F))
                : cylinder(base_radius, 0.06F, up(y + 0.06F)));
    y += is_dome ? 0.2F : 0.12F;
    for (int i = 0; i < discs; ++i) {
      add(discs, cylinder(base_radius * (0.75F - 0.25F * i), 0.05F, up(y + 0.05F)));
      y += 0.1F;
    }
    return y;
  }

  void add_beads(float bottom) {
    const bool are_rings = random.chance(0.4F);
    for (int i = 0; i < beads; ++i) {
      const float y = bottom + 0.14F + (0.42F * pole_height - 0.14F) * i / 4.0F;
      add(beads, are_rings ? torus(pole_radius + 0.045F, 0.05F, up(y + 0.03F))
                           : prism(pole_radius + 0.08F, 0.05F, up(y + 0.03F)));
    }
  }

  // Arms around the pole, above the beads, in two tiers from five on; a light at each end.
  void add_arms(float bottom) {
    const float start = random.uniform(20.0F, 70.0F);
    const float reach = random.uniform(0.6F, 0.75F);
    const bool are_globes = random.chance(0.5F);
    for (int i = 0; i < arms; ++i) {
      const bool is_upper = arms <= 4 || i % 2 == 0;
      const Vec3 out = around(start + 360.0F * i / arms, 1);
      const float y = bottom + (is_upper ? 0.72F : 0.52F) * pole_height;
      const Vec3 from = 0.8F * pole_radius * out + up(y);
      const Vec3 to = reach * out + up(y + 0.06F);
      add("arm", kGreen, stick(kRound, from, to, 0.05F));
      const Vec3 end = to + (are_globes ? 0.11F : 0.09F) * out;
      add("light", kOrange, are_globes ? sphere(0.13F, end) : cone(0.15F, 0.09F, 0.12F, end));
    }
  }

  void add_shade(float bottom) {
    const float top = bottom + shade_height;
    const float half_height = shade_height / 2.0F;
    const Vec3 center = up(bottom + half_height);
    const bool is_plain = rings > 0 || !random.chance(0.25F);
    add("shade", kYellow,
        is_plain ? cone(shade_radius, shade_upper, half_height, center)
                 : sphere(half_height, center));
    for (int i = 0; i < rings; ++i) {
      add(rings, i == 0 ? torus(shade_radius, 0.05F, up(bottom + 0.02F))
                        : torus(shade_upper, 0.05F, up(top - 0.02F)));
    }
    const bool is_ball = finial && random.chance(0.5F);
    add(finial, is_ball ? sphere(0.09F, up(top + 0.07F)) : cone(0.1F, 0.0F, 0.1F, up(top + 0.1F)));
  }

  Feature& discs = feature("disc", kTeal, {.most = 2, .weight = 0.6F});
  Feature& beads = feature("bead", kRed, {.most = 4, .weight = 0.8F});
  Feature& feet = feature("foot", kDark, {.step = 3, .most = 2});
  Feature& arms = feature({.step = 2, .most = 8, .weight = 2});
  // On the shade: lower, upper.
  Feature& rings = feature("ring", kPink, {.most = 2, .weight = 0.5F});
  Feature& finial = feature("finial", kPurple, {.weight = 0.7F});
  float base_radius = random.uniform(0.3F, 0.48F);
  float pole_radius = random.uniform(0.06F, 0.1F);
  float pole_height = random.uniform(0.9F, 1.4F);
  float shade_radius = random.uniform(0.4F, 0.6F);
  float shade_upper = shade_radius * random.uniform(0.4F, 1.0F);
  float shade_height = random.uniform(0.4F, 0.65F);
};

}  // namespace

Components make_lamp(const AssetBuilder& start) { return made_by<Lamp>(start); }

}  // namespace moca::procedural
