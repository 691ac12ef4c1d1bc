// Buildings: houses and castles (a block, a roof, windows, towers, an annex) and stacked
// high-rises.
#include <array>

#include "families.h"

namespace moca::procedural {
namespace {

struct House {
  bool has_door = false;
  int num_front_windows = 0;
  int num_side_windows = 0;
  bool has_chimney = false;
  int num_towers = 0;
  bool has_annex = false;
  bool has_porch = false;
  int num_steps = 0;
  Vec3 half_size = Vec3::Zero();
};

House plan_house(int count, Random& random) {
  House house;
  draw_plan(count - 2,
            {{&house.has_door, {.weight = 3}},
             {&house.num_front_windows, {.most = 8, .weight = 1.5F}},
             {&house.num_side_windows, {.most = 6}},
             {&house.has_chimney, {.weight = 1.5F}},
             {&house.num_towers, {.step = 2, .most = 4, .weight = 1.5F}},
             {&house.has_annex, {.step = 2}},
             {&house.has_porch, {.step = 3, .weight = 0.7F}},
             {&house.num_steps, {.most = 2, .weight = 0.3F}}},
            random);
  house.half_size =
      Vec3(random.uniform(0.5F, 0.75F), random.uniform(0.38F, 0.6F), random.uniform(0.4F, 0.6F));
  return house;
}

// A gable along either axis, a flat-topped hip or a dome.
Primitive draw_roof(Random& random, const Vec3& half_size, const Vec3& foot) {
  const float half_height = random.uniform(0.16F, 0.28F);
  const Vec3 center = foot + Vec3(0, half_height, 0);
  const Vec3 eaves(half_size.x() + 0.03F, half_height, half_size.z() + 0.03F);
  const Vec3 turned_eaves(eaves.z(), half_height, eaves.x());
  const std::array<Primitive, 4> roofs = {
      trapezoid(eaves, 0, center),
      rotated(trapezoid(turned_eaves, 0, center), turn_about(1, 90.0F)),
      trapezoid(eaves, 0.55F * half_size.x(), center),
      cone(1.1F * half_size.z(), 0.15F, half_height, center)};
  return roofs[random.integer(0, 3)];
}

void add_openings(AssetBuilder& builder, const House& house) {
  const Vec3& half = house.half_size;
  const float front = half.z() + 0.03F;
  if (house.has_door) {
    const float half_height = 0.3F * half.y();
    builder.add("door", paint::kBrown,
                box(Vec3(0.12F, half_height, 0.04F), Vec3(0, half_height, front)));
  }
  // Columns of three; the middle of the lowest row belongs to the door.
  for (int i = 0; i < house.num_front_windows; ++i) {
    const int cell = i < 7 ? i : 8;
    const int row = cell / 3;
    const Vec3 at(spread(cell % 3, 3, 0.64F * half.x()),
                  half.y() * (1.64F - 0.6F * static_cast<float>(row)), front);
    builder.add("window", paint::kSky, box(Vec3(0.15F * half.x(), 0.17F * half.y(), 0.04F), at));
  }
  for (int i = 0; i < house.num_side_windows; ++i) {
    const int row = i / 3;
    const Vec3 at(half.x() + 0.03F, half.y() * (1.5F - 0.8F * static_cast<float>(row)),
                  spread(i % 3, 3, -0.62F * half.z()));
    builder.add("window", paint::kSky, box(Vec3(0.04F, 0.2F * half.y(), 0.16F * half.z()), at));
  }
}

void add_porch(AssetBuilder& builder, const House& house) {
  const float front = house.half_size.z();
  const float height = 0.72F * house.half_size.y();
  if (house.has_porch) {
    builder.add_pair("column", paint::kYellow,
                     cylinder(0.06F, height / 2.0F, Vec3(0.22F, height / 2.0F, front + 0.3F)));
    builder.add("porch_roof", paint::kOrange,
                box(Vec3(0.32F, 0.05F, 0.2F), Vec3(0, height + 0.045F, front + 0.195F)));
  }
  for (int i = 0; i < house.num_steps; ++i) {
    const float z = front + 0.13F + 0.16F * static_cast<float>(i);
    builder.add("step", paint::kOlive, box(Vec3(0.15F, 0.05F, 0.075F), Vec3(0, 0.05F, z)));
  }
}

void add_towers(AssetBuilder& builder, const House& house) {
  Random& random = builder.random();
  const float radius = random.uniform(0.17F, 0.22F);
  const float half_height = house.half_size.y() * random.uniform(1.2F, 1.5F);
  const bool is_round = random.chance(0.6F);
  const float roof_half_height = random.uniform(0.12F, 0.22F);
  for (int i = 0; i < house.num_towers; ++i) {
    const float x = house.half_size.x() + 0.68F * radius;
    const float z = house.half_size.z() + 0.68F * radius;
    const Vec3 at(i % 2 == 0 ? x : -x, half_height, i < 2 ? z : -z);
    builder.add("tower", paint::kTeal,
                is_round ? cylinder(radius, half_height, at) : prism(radius, half_height, at));
    builder.add(
        "tower_roof", paint::kBlue,
        cone(1.2F * radius, 0, roof_half_height, at + Vec3(0, half_height + roof_half_height, 0)));
  }
}

void build_house(AssetBuilder& builder, int count) {
  Random& random = builder.random();
  const House house = plan_house(count, random);
  const Vec3& half = house.half_size;
  builder.add("walls", paint::kGrey, box(half, Vec3(0, half.y(), 0)));
  const Primitive roof = draw_roof(random, half, Vec3(0, 2.0F * half.y(), 0));
  builder.add("roof", paint::kRed, roof);
  add_openings(builder, house);
  add_porch(builder, house);
  add_towers(builder, house);
  if (house.has_chimney) {
    Vec3 foot(0.5F * half.x(), bounds_of(roof).high.y(), -0.2F * half.z());
    while (foot.y() > 2.0F * half.y() && signed_distance(roof, foot) < 0.02F) {
      foot.y() -= 0.005F;
    }
    builder.add("chimney", paint::kDark,
                box(Vec3(0.075F, 0.15F, 0.075F), foot + Vec3(0, 0.15F, 0)));
  }
  if (house.has_annex) {
    const Vec3 annex(0.24F, 0.55F * half.y(), 0.6F * half.z());
    const Vec3 at(-half.x() - annex.x() + 0.01F, annex.y(), 0);
    builder.add("annex", paint::kLime, box(annex, at));
    builder.add("annex_roof", paint::kPink,
                rotated(trapezoid(Vec3(annex.z() + 0.05F, 0.1F, annex.x()), 0,
                                  at + Vec3(0, annex.y() + 0.1F, 0)),
                        turn_about(1, 90.0F)));
  }
}

// Storeys on one another, each no wider than the one below, every second one in another colour.
void build_high_rise(AssetBuilder& builder, int count) {
  Random& random = builder.random();
  const bool has_spire = random.chance(0.5F);
  const int num_storeys = has_spire ? count - 1 : count;
  const int shape = random.integer(0, 2);
  const float half_height = 0.8F / static_cast<float>(num_storeys);
  float radius = random.uniform(0.4F, 0.6F);
  const float depth = random.uniform(0.7F, 1.0F);
  for (int i = 0; i < num_storeys; ++i) {
    const Vec3 at(0, half_height * (2.0F * static_cast<float>(i) + 1.0F), 0);
    const Primitive storey = shape == 0   ? box(Vec3(radius, half_height, depth * radius), at)
                             : shape == 1 ? cylinder(radius, half_height, at)
                                          : prism(radius, half_height, at);
    const bool is_ledge = i % 2 == 1;
    builder.add(is_ledge ? "upper_storey" : "storey", is_ledge ? paint::kOrange : paint::kPurple,
                storey);
    radius *= random.uniform(0.72F, 0.92F);
  }
  if (has_spire) {
    builder.add("spire", paint::kGreen, cone(0.13F, 0.0F, 0.18F, Vec3(0, 1.78F, 0)));
  }
}

}  // namespace

void build_building(AssetBuilder& builder, int count) {
  if (count >= 3 && count <= 7 && builder.random().chance(0.3F)) {
    build_high_rise(builder, count);
  } else {
    build_house(builder, count);
  }
}

}  // namespace moca::procedural
