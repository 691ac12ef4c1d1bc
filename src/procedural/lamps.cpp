// Lamps: a base, a pole and a shade; beads and discs on the pole, arms with lights of their own.
#include <array>

#include "families.h"

namespace moca::procedural {
namespace {

struct Lamp : Maker {
  void build(int count) {
    if (count == 2) {
      add_table_lamp();
      return;
    }
    draw_plan(count - 3, {&num_discs, &num_beads, &num_feet, &num_arms, &num_rings, &has_finial});
    num_feet.times *= 3;
    const float bottom = add_base();
    const float half_pole = pole_height / 2.0F;
    add("pole", kGrey, cylinder(pole_radius, half_pole, {0, bottom + half_pole, 0}));
    add_beads(bottom);
    add_arms(bottom);
    add_shade(bottom + pole_height);
  }

  // A thick body with a shade: all there is with two components.
  void add_table_lamp() {
    const float radius = 0.6F * shade_radius + 0.1F;
    const float half_height = 0.45F * pole_height;
    const Vec3 center(0, half_height, 0);
    const std::array<Primitive, 4> bases = {
        cone(radius, 0.4F * radius, half_height, center), prism(radius, half_height, center),
        cylinder(0.8F * radius, half_height, center), sphere(half_height, center)};
    add("base", kBlue, bases[random.integer(0, 3)]);
    add("shade", kYellow,
        cone(1.3F * shade_radius, shade_upper, shade_height / 2.0F,
             {0, 2.0F * half_height + shade_height / 2.0F - 0.01F, 0}));
  }

  float add_base() {
    float y = 0;
    for (int i = 0; i < num_feet; ++i) {
      const Vec3 out = around(360.0F * i / num_feet, 0.75F * base_radius);
      add("foot", kDark, sphere(0.09F, out + Vec3(0, 0.09F, 0)));
      y = 0.17F;
    }
    const bool is_dome = num_discs == 0 && random.chance(0.4F);
    add("base", kBlue,
        is_dome ? cone(base_radius, 0.35F * base_radius, 0.1F, {0, y + 0.1F, 0})
                : cylinder(base_radius, 0.06F, {0, y + 0.06F, 0}));
    y += is_dome ? 0.2F : 0.12F;
    for (int i = 0; i < num_discs; ++i) {
      const float radius = base_radius * (0.75F - 0.25F * i);
      add("disc", kTeal, cylinder(radius, 0.05F, {0, y + 0.05F, 0}));
      y += 0.1F;
    }
    return y;
  }

  void add_beads(float bottom) {
    const bool are_rings = random.chance(0.4F);
    for (int i = 0; i < num_beads; ++i) {
      const float y = bottom + 0.14F + (0.42F * pole_height - 0.14F) * i / 4.0F;
      const Vec3 center(0, y + 0.03F, 0);
      add("bead", kRed,
          are_rings ? torus(pole_radius + 0.045F, 0.05F, center)
                    : prism(pole_radius + 0.08F, 0.05F, center));
    }
  }

  // Arms around the pole, above the beads, in two tiers from five on; a light at each end.
  void add_arms(float bottom) {
    const float start = random.uniform(20.0F, 70.0F);
    const float reach = random.uniform(0.6F, 0.75F);
    const bool are_globes = random.chance(0.5F);
    for (int i = 0; i < num_arms; ++i) {
      const bool is_upper = num_arms <= 4 || i % 2 == 0;
      const Vec3 out = around(start + 360.0F * i / num_arms, 1);
      const float y = bottom + (is_upper ? 0.72F : 0.52F) * pole_height;
      const Vec3 from = 0.8F * pole_radius * out + Vec3(0, y, 0);
      const Vec3 to = reach * out + Vec3(0, y + 0.06F, 0);
      add("arm", kGreen, stick(kRound, from, to, 0.05F));
      const Vec3 end = to + (are_globes ? 0.11F : 0.09F) * out;
      add("light", kOrange, are_globes ? sphere(0.13F, end) : cone(0.15F, 0.09F, 0.12F, end));
    }
  }

  void add_shade(float bottom) {
    const float half_height = shade_height / 2.0F;
    const Vec3 center(0, bottom + half_height, 0);
    const bool is_plain = num_rings > 0 || !random.chance(0.25F);
    add("shade", kYellow,
        is_plain ? cone(shade_radius, shade_upper, half_height, center)
                 : sphere(half_height, center));
    for (int i = 0; i < num_rings; ++i) {
      const float radius = i == 0 ? shade_radius : shade_upper;
      const float y = i == 0 ? bottom + 0.02F : bottom + shade_height - 0.02F;
      add("ring", kPink, torus(radius, 0.05F, {0, y, 0}));
    }
    if (has_finial) {
      const float y = bottom + shade_height;
      add("finial", kPurple,
          random.chance(0.5F) ? sphere(0.09F, {0, y + 0.07F, 0})
                              : cone(0.1F, 0.0F, 0.1F, {0, y + 0.1F, 0}));
    }
  }

  Feature num_discs = {.most = 2, .weight = 0.6F};
  Feature num_beads = {.most = 4, .weight = 0.8F};
  Feature num_feet = {.step = 3, .most = 2};
  Feature num_arms = {.step = 2, .most = 8, .weight = 2};
  Feature num_rings = {.most = 2, .weight = 0.5F};  // on the shade: lower, upper
  Feature has_finial = {.weight = 0.7F};
  float base_radius = random.uniform(0.3F, 0.48F);
  float pole_radius = random.uniform(0.06F, 0.1F);
  float pole_height = random.uniform(0.9F, 1.4F);
  float shade_radius = random.uniform(0.4F, 0.6F);
  float shade_upper = shade_radius * random.uniform(0.4F, 1.0F);
  float shade_height = random.uniform(0.4F, 0.65F);
};

}  // namespace

void build_lamp(AssetBuilder& builder, int count) { Lamp{{builder}}.build(count); }

}  // namespace moca::procedural
