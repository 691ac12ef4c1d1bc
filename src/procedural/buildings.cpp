// Buildings: houses and castles (a block, a roof, windows, towers, an annex) and stacked
// high-rises.
#include "families.h"

namespace moca::procedural {
namespace {

struct House : AssetBuilder {
  void build() {
    add("walls", kGrey, box(half, up(half.y())));
    const Primitive roof = draw_roof(up(2.0F * half.y()));
    add("roof", kRed, roof);
    add_openings();
    add_porch();
    add_towers();
    Vec3 foot(0.5F * half.x(), bounds_of(roof).high.y(), -0.2F * half.z());
    while (foot.y() > 2.0F * half.y() && signed_distance(roof, foot) < 0.02F) {
      foot.y() -= 0.005F;
    }
    add(chimney, box({0.075F, 0.15F, 0.075F}, foot + up(0.15F)));
    if (annex) {
      const Vec3 size(0.24F, 0.55F * half.y(), 0.6F * half.z());
      const Vec3 at(-half.x() - size.x() + 0.01F, size.y(), 0);
      const Vec3 gable(size.z() + 0.05F, 0.1F, size.x());
      add("annex", kLime, box(size, at));
      add("annex_roof", kPink, turned(trapezoid(gable, 0, at + up(size.y() + 0.1F)), 1, 90.0F));
    }
  }

  // A gable along either axis, a flat-topped hip or a dome.
  Primitive draw_roof(const Vec3& foot) {
    const float half_height = random.uniform(0.16F, 0.28F);
    const Vec3 center = foot + up(half_height);
    const Vec3 eaves(half.x() + 0.03F, half_height, half.z() + 0.03F);
    const Vec3 turned_eaves(eaves.z(), half_height, eaves.x());
    return random.choice({trapezoid(eaves, 0, center),
                          turned(trapezoid(turned_eaves, 0, center), 1, 90.0F),
                          trapezoid(eaves, 0.55F * half.x(), center),
                          cone(1.1F * half.z(), 0.15F, half_height, center)});
  }

  void add_openings() {
    const float front = half.z() + 0.03F;
    add(door, box({0.12F, 0.3F * half.y(), 0.04F}, {0, 0.3F * half.y(), front}));
    // Columns of three; the middle of the lowest row belongs to the door.
    for (int i = 0; i < front_windows; ++i) {
      const int cell = i < 7 ? i : 8;
      const int row = cell / 3;
      const Vec3 at(spread(cell % 3, 3, 0.64F * half.x()), half.y() * (1.64F - 0.6F * row), front);
      add(front_windows, box({0.15F * half.x(), 0.17F * half.y(), 0.04F}, at));
    }
    for (int i = 0; i < side_windows; ++i) {
      const int row = i / 3;
      const Vec3 at(half.x() + 0.03F, half.y() * (1.5F - 0.8F * row),
                    spread(i % 3, 3, -0.62F * half.z()));
      add(side_windows, box({0.04F, 0.2F * half.y(), 0.16F * half.z()}, at));
    }
  }

  void add_porch() {
    const float height = 0.72F * half.y();
    if (porch) {
      add_pair("column", kYellow,
               cylinder(0.06F, height / 2.0F, {0.22F, height / 2.0F, half.z() + 0.3F}));
      add("porch_roof", kOrange,
          box({0.32F, 0.05F, 0.2F}, {0, height + 0.045F, half.z() + 0.195F}));
    }
    for (int i = 0; i < steps; ++i) {
      add(steps, box({0.15F, 0.05F, 0.075F}, {0, 0.05F, half.z() + 0.13F + 0.16F * i}));
    }
  }

  void add_towers() {
    const float radius = random.uniform(0.17F, 0.22F);
    const float half_height = half.y() * random.uniform(1.2F, 1.5F);
    const bool is_round = random.chance(0.6F);
    const float roof = random.uniform(0.12F, 0.22F);
    for (int i = 0; i < towers; ++i) {
      const Vec3 at =
          corner(i, half.x() + 0.68F * radius, half.z() + 0.68F * radius) + up(half_height);
      add("tower", kTeal,
          is_round ? cylinder(radius, half_height, at) : prism(radius, half_height, at));
      add("tower_roof", kBlue, cone(1.2F * radius, 0, roof, at + up(half_height + roof)));
    }
  }

  Feature& door = feature("door", kBrown, {.weight = 3});
  Feature& front_windows = feature("window", kSky, {.most = 8, .weight = 1.5F});
  Feature& side_windows = feature("window", kSky, {.most = 6});
  Feature& chimney = feature("chimney", kDark, {.weight = 1.5F});
  Feature& towers = feature({.step = 2, .most = 4, .weight = 1.5F});
  Feature& annex = feature({.step = 2});
  Feature& porch = feature({.step = 3, .weight = 0.7F});
  Feature& steps = feature("step", kOlive, {.most = 2, .weight = 0.3F});
  const int num_extra = draw_plan(2);
  const Vec3 half = random.uniform({0.5F, 0.38F, 0.4F}, {0.75F, 0.6F, 0.6F});  // the walls' size
};

// Storeys on one another, each no wider than the one below, every second one in another colour.
struct HighRise : AssetBuilder {
  void build() {
    const bool has_spire = random.chance(0.5F);
    const int num_storeys = has_spire ? count - 1 : count;
    const int shape = random.integer(0, 2);
    const float half_height = 0.8F / num_storeys;
    float radius = random.uniform(0.4F, 0.6F);
    const float depth = random.uniform(0.7F, 1.0F);
    for (int i = 0; i < num_storeys; ++i) {
      const Vec3 at = up(half_height * (2.0F * i + 1.0F));
      const Primitive storey = shape == 0   ? box({radius, half_height, depth * radius}, at)
                               : shape == 1 ? cylinder(radius, half_height, at)
                                            : prism(radius, half_height, at);
      add_kind(i, {{"storey", kPurple, storey}, {"upper_storey", kOrange, storey}});
      radius *= random.uniform(0.72F, 0.92F);
    }
    if (has_spire) {
      add("spire", kGreen, cone(0.13F, 0.0F, 0.18F, up(1.78F)));
    }
  }
};

}  // namespace

Components make_building(const AssetBuilder& start) {
  AssetBuilder drawn = start;
  const bool is_high = drawn.count >= 3 && drawn.count <= 7 && drawn.random.chance(0.3F);
  return is_high ? made_by<HighRise>(drawn) : made_by<House>(drawn);
}

}  // namespace moca::procedural
