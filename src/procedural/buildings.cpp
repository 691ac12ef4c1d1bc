// Buildings: houses and castles (a block, a roof, windows, towers, an annex) and stacked
// high-rises.
#include <array>

#include "families.h"

namespace moca::procedural {
namespace {

struct House : Maker {
  void build(int count) {
    draw(count);
    const Vec3& half = half_size;
    add("walls", kGrey, box(half, {0, half.y(), 0}));
    const Primitive roof = draw_roof(Vec3(0, 2.0F * half.y(), 0));
    add("roof", kRed, roof);
    add_openings();
    add_porch();
    add_towers();
    if (has_chimney) {
      Vec3 foot(0.5F * half.x(), bounds_of(roof).high.y(), -0.2F * half.z());
      while (foot.y() > 2.0F * half.y() && signed_distance(roof, foot) < 0.02F) {
        foot.y() -= 0.005F;
      }
      add("chimney", kDark, box({0.075F, 0.15F, 0.075F}, foot + Vec3(0, 0.15F, 0)));
    }
    if (has_annex) {
      const Vec3 annex(0.24F, 0.55F * half.y(), 0.6F * half.z());
      const Vec3 at(-half.x() - annex.x() + 0.01F, annex.y(), 0);
      add("annex", kLime, box(annex, at));
      add("annex_roof", kPink,
          rotated(
              trapezoid({annex.z() + 0.05F, 0.1F, annex.x()}, 0, at + Vec3(0, annex.y() + 0.1F, 0)),
              turn_about(1, 90.0F)));
    }
  }

  void draw(int count) {
    draw_plan(count - 2, {&has_door, &num_front_windows, &num_side_windows, &has_chimney,
                          &num_towers, &has_annex, &has_porch, &num_steps});
    half_size =
        Vec3(random.uniform(0.5F, 0.75F), random.uniform(0.38F, 0.6F), random.uniform(0.4F, 0.6F));
  }

  // A gable along either axis, a flat-topped hip or a dome.
  Primitive draw_roof(const Vec3& foot) {
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

  void add_openings() {
    const Vec3& half = half_size;
    const float front = half.z() + 0.03F;
    if (has_door) {
      const float half_height = 0.3F * half.y();
      add("door", kBrown, box({0.12F, half_height, 0.04F}, {0, half_height, front}));
    }
    // Columns of three; the middle of the lowest row belongs to the door.
    for (int i = 0; i < num_front_windows; ++i) {
      const int cell = i < 7 ? i : 8;
      const int row = cell / 3;
      const Vec3 at(spread(cell % 3, 3, 0.64F * half.x()), half.y() * (1.64F - 0.6F * row), front);
      add("window", kSky, box({0.15F * half.x(), 0.17F * half.y(), 0.04F}, at));
    }
    for (int i = 0; i < num_side_windows; ++i) {
      const int row = i / 3;
      const Vec3 at(half.x() + 0.03F, half.y() * (1.5F - 0.8F * row),
                    spread(i % 3, 3, -0.62F * half.z()));
      add("window", kSky, box({0.04F, 0.2F * half.y(), 0.16F * half.z()}, at));
    }
  }

  void add_porch() {
    const float front = half_size.z();
    const float height = 0.72F * half_size.y();
    if (has_porch) {
      add_pair("column", kYellow,
               cylinder(0.06F, height / 2.0F, {0.22F, height / 2.0F, front + 0.3F}));
      add("porch_roof", kOrange, box({0.32F, 0.05F, 0.2F}, {0, height + 0.045F, front + 0.195F}));
    }
    for (int i = 0; i < num_steps; ++i) {
      const float z = front + 0.13F + 0.16F * i;
      add("step", kOlive, box({0.15F, 0.05F, 0.075F}, {0, 0.05F, z}));
    }
  }

  void add_towers() {
    const float radius = random.uniform(0.17F, 0.22F);
    const float half_height = half_size.y() * random.uniform(1.2F, 1.5F);
    const bool is_round = random.chance(0.6F);
    const float roof_half_height = random.uniform(0.12F, 0.22F);
    for (int i = 0; i < num_towers; ++i) {
      const float x = half_size.x() + 0.68F * radius;
      const float z = half_size.z() + 0.68F * radius;
      const Vec3 at(i % 2 == 0 ? x : -x, half_height, i < 2 ? z : -z);
      add("tower", kTeal,
          is_round ? cylinder(radius, half_height, at) : prism(radius, half_height, at));
      add("tower_roof", kBlue,
          cone(1.2F * radius, 0, roof_half_height,
               at + Vec3(0, half_height + roof_half_height, 0)));
    }
  }

  Feature has_door = {.weight = 3};
  Feature num_front_windows = {.most = 8, .weight = 1.5F};
  Feature num_side_windows = {.most = 6};
  Feature has_chimney = {.weight = 1.5F};
  Feature num_towers = {.step = 2, .most = 4, .weight = 1.5F};
  Feature has_annex = {.step = 2};
  Feature has_porch = {.step = 3, .weight = 0.7F};
  Feature num_steps = {.most = 2, .weight = 0.3F};
  Vec3 half_size = Vec3::Zero();
};

// Storeys on one another, each no wider than the one below, every second one in another colour.
struct HighRise : Maker {
  void build(int count) {
    const bool has_spire = random.chance(0.5F);
    const int num_storeys = has_spire ? count - 1 : count;
    const int shape = random.integer(0, 2);
    const float half_height = 0.8F / num_storeys;
    float radius = random.uniform(0.4F, 0.6F);
    const float depth = random.uniform(0.7F, 1.0F);
    for (int i = 0; i < num_storeys; ++i) {
      const Vec3 at(0, half_height * (2.0F * i + 1.0F), 0);
      const Primitive storey = shape == 0   ? box({radius, half_height, depth * radius}, at)
                               : shape == 1 ? cylinder(radius, half_height, at)
                                            : prism(radius, half_height, at);
      const bool is_ledge = i % 2 == 1;
      add(is_ledge ? "upper_storey" : "storey", is_ledge ? kOrange : kPurple, storey);
      radius *= random.uniform(0.72F, 0.92F);
    }
    if (has_spire) {
      add("spire", kGreen, cone(0.13F, 0.0F, 0.18F, {0, 1.78F, 0}));
    }
  }
};

}  // namespace

void build_building(AssetBuilder& builder, int count) {
  if (count >= 3 && count <= 7 && builder.random().chance(0.3F)) {
    HighRise{{builder}}.build(count);
  } else {
    House{{builder}}.build(count);
  }
}

}  // namespace moca::procedural
