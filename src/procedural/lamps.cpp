// Lamps: a base, a pole and a shade; beads and discs on the pole, arms with lights of their own.
#include <array>

#include "families.h"

namespace moca::procedural {
namespace {

struct Lamp {
  int num_discs = 0;
  int num_beads = 0;
  int num_feet = 0;
  int num_arms = 0;
  int num_rings = 0;  // on the shade: lower, upper
  bool has_finial = false;
  float base_radius = 0.4F;
  float pole_radius = 0.07F;
  float pole_height = 1.2F;
  float shade_radius = 0.5F;
  float shade_upper = 0.25F;
  float shade_height = 0.5F;
};

void draw_sizes(Lamp& lamp, Random& random) {
  lamp.base_radius = random.uniform(0.3F, 0.48F);
  lamp.pole_radius = random.uniform(0.06F, 0.1F);
  lamp.pole_height = random.uniform(0.9F, 1.4F);
  lamp.shade_radius = random.uniform(0.4F, 0.6F);
  lamp.shade_upper = lamp.shade_radius * random.uniform(0.4F, 1.0F);
  lamp.shade_height = random.uniform(0.4F, 0.65F);
}

// A thick body with a shade: all there is with two components.
void add_table_lamp(AssetBuilder& builder, const Lamp& lamp) {
  const float radius = 0.6F * lamp.shade_radius + 0.1F;
  const float half_height = 0.45F * lamp.pole_height;
  const Vec3 center(0, half_height, 0);
  const std::array<Primitive, 4> bases = {
      cone(radius, 0.4F * radius, half_height, center), prism(radius, half_height, center),
      cylinder(0.8F * radius, half_height, center), sphere(half_height, center)};
  builder.add("base", paint::kBlue, bases[builder.random().integer(0, 3)]);
  builder.add("shade", paint::kYellow,
              cone(1.3F * lamp.shade_radius, lamp.shade_upper, lamp.shade_height / 2.0F,
                   Vec3(0, 2.0F * half_height + lamp.shade_height / 2.0F - 0.01F, 0)));
}

float add_base(AssetBuilder& builder, const Lamp& lamp) {
  float y = 0;
  if (lamp.num_feet > 0) {
    for (int i = 0; i < lamp.num_feet; ++i) {
      const float angle = 360.0F * static_cast<float>(i) / static_cast<float>(lamp.num_feet);
      const Vec3 out = turn_about(1, angle) * Vec3(0, 0, 0.75F * lamp.base_radius);
      builder.add("foot", paint::kDark, sphere(0.09F, out + Vec3(0, 0.09F, 0)));
    }
    y = 0.17F;
  }
  const bool is_dome = lamp.num_discs == 0 && builder.random().chance(0.4F);
  builder.add("base", paint::kBlue,
              is_dome ? cone(lamp.base_radius, 0.35F * lamp.base_radius, 0.1F, Vec3(0, y + 0.1F, 0))
                      : cylinder(lamp.base_radius, 0.06F, Vec3(0, y + 0.06F, 0)));
  y += is_dome ? 0.2F : 0.12F;
  for (int i = 0; i < lamp.num_discs; ++i) {
    const float radius = lamp.base_radius * (0.75F - 0.25F * static_cast<float>(i));
    builder.add("disc", paint::kTeal, cylinder(radius, 0.05F, Vec3(0, y + 0.05F, 0)));
    y += 0.1F;
  }
  return y;
}

void add_beads(AssetBuilder& builder, const Lamp& lamp, float bottom) {
  const bool are_rings = builder.random().chance(0.4F);
  for (int i = 0; i < lamp.num_beads; ++i) {
    const float y =
        bottom + 0.14F + (0.42F * lamp.pole_height - 0.14F) * static_cast<float>(i) / 4.0F;
    const Vec3 center(0, y + 0.03F, 0);
    builder.add("bead", paint::kRed,
                are_rings ? torus(lamp.pole_radius + 0.045F, 0.05F, center)
                          : prism(lamp.pole_radius + 0.08F, 0.05F, center));
  }
}

// Arms around the pole, above the beads, in two tiers from five on; a light at each end.
void add_arms(AssetBuilder& builder, const Lamp& lamp, float bottom) {
  Random& random = builder.random();
  const float start = random.uniform(20.0F, 70.0F);
  const float reach = random.uniform(0.6F, 0.75F);
  const bool are_globes = random.chance(0.5F);
  for (int i = 0; i < lamp.num_arms; ++i) {
    const bool is_upper = lamp.num_arms <= 4 || i % 2 == 0;
    const float angle = start + 360.0F * static_cast<float>(i) / static_cast<float>(lamp.num_arms);
    const Vec3 out = turn_about(1, angle) * Vec3(0, 0, 1);
    const float y = bottom + (is_upper ? 0.72F : 0.52F) * lamp.pole_height;
    const Vec3 from = 0.8F * lamp.pole_radius * out + Vec3(0, y, 0);
    const Vec3 to = reach * out + Vec3(0, y + 0.06F, 0);
    builder.add("arm", paint::kGreen, stick(StickStyle::kRound, from, to, 0.05F));
    const Vec3 end = to + (are_globes ? 0.11F : 0.09F) * out;
    builder.add("light", paint::kOrange,
                are_globes ? sphere(0.13F, end) : cone(0.15F, 0.09F, 0.12F, end));
  }
}

void add_shade(AssetBuilder& builder, const Lamp& lamp, float bottom) {
  const float half_height = lamp.shade_height / 2.0F;
  const Vec3 center(0, bottom + half_height, 0);
  const bool is_plain = lamp.num_rings > 0 || !builder.random().chance(0.25F);
  builder.add("shade", paint::kYellow,
              is_plain ? cone(lamp.shade_radius, lamp.shade_upper, half_height, center)
                       : sphere(half_height, center));
  for (int i = 0; i < lamp.num_rings; ++i) {
    const float radius = i == 0 ? lamp.shade_radius : lamp.shade_upper;
    const float y = i == 0 ? bottom + 0.02F : bottom + lamp.shade_height - 0.02F;
    builder.add("ring", paint::kPink, torus(radius, 0.05F, Vec3(0, y, 0)));
  }
  if (lamp.has_finial) {
    const float y = bottom + lamp.shade_height;
    builder.add("finial", paint::kPurple,
                builder.random().chance(0.5F) ? sphere(0.09F, Vec3(0, y + 0.07F, 0))
                                              : cone(0.1F, 0.0F, 0.1F, Vec3(0, y + 0.1F, 0)));
  }
}

}  // namespace

void build_lamp(AssetBuilder& builder, int count) {
  Lamp lamp;
  draw_sizes(lamp, builder.random());
  if (count == 2) {
    add_table_lamp(builder, lamp);
    return;
  }
  draw_plan(count - 3,
            {{&lamp.num_discs, {.most = 2, .weight = 0.6F}},
             {&lamp.num_beads, {.most = 4, .weight = 0.8F}},
             {&lamp.num_feet, {.step = 3, .most = 2}},
             {&lamp.num_arms, {.step = 2, .most = 8, .weight = 2}},
             {&lamp.num_rings, {.most = 2, .weight = 0.5F}},
             {&lamp.has_finial, {.most = 1, .weight = 0.7F}}},
            builder.random());
  lamp.num_feet *= 3;
  const float bottom = add_base(builder, lamp);
  const float half_pole = lamp.pole_height / 2.0F;
  builder.add("pole", paint::kGrey,
              cylinder(lamp.pole_radius, half_pole, Vec3(0, bottom + half_pole, 0)));
  add_beads(builder, lamp, bottom);
  add_arms(builder, lamp, bottom);
  add_shade(builder, lamp, bottom + lamp.pole_height);
}

}  // namespace moca::procedural
