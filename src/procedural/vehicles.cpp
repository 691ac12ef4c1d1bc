// Cars, buses and trucks, driving along +X on wheels that turn about Z.
#include <algorithm>

#include "families.h"

namespace moca::procedural {
namespace {

enum class VehicleKind { kCar, kBus, kTruck };

struct CabinSizes {
  float shortest, longest;  // half lengths
  float lowest, highest;    // half heights
  float width;              // relative to the body
};

// In the order of VehicleKind.
constexpr std::array<CabinSizes, 3> kCabinSizes = {{{0.42F, 0.52F, 0.15F, 0.2F, 0.9F},
                                                    {0.8F, 0.88F, 0.2F, 0.3F, 0.95F},
                                                    {0.24F, 0.3F, 0.22F, 0.32F, 0.95F}}};

struct Vehicle : AssetBuilder {
  using enum VehicleKind;

  void build() {
    side_axis = 2;
    add_body();
    add_wheels();
    add_sides();
    add_ends();
    add_load();
  }

  Vec3 draw_cabin() {
    const CabinSizes& sizes = kCabinSizes[static_cast<size_t>(kind)];
    const float half_height = random.uniform(sizes.lowest, sizes.highest);
    return {random.uniform(sizes.shortest, sizes.longest), half_height, sizes.width * half_width};
  }

  void add_body() {
    const Vec3 center = up(bottom() + half.y());
    add("body", kRed,
        random.choice({box(half, center), rounded_box(half, 0.08F, center),
                       trapezoid(half, 0.92F * half.x(), center)}));
    if (has_cabin) {
      const Vec3 at(cabin_x, top() + cabin.y(), 0);
      const bool is_slanted = kind == kCar || random.chance(0.3F);
      add("cabin", kYellow, is_slanted ? trapezoid(cabin, cabin.x() - 0.14F, at) : box(cabin, at));
    }
  }

  void add_wheels() {
    const float radius = wheel_radius;
    if (has_rollers) {
      const float half_length = half.z() + 0.1F;
      for (const float x : {0.55F, -0.55F}) {
        add("roller", kDark, turned(cylinder(radius, half_length, {x, radius, 0}), 0, 90.0F));
      }
      return;
    }
    const float z = half.z() + wheel_half_width - 0.01F;
    const bool are_tyres = !hubcaps && radius > 0.21F && random.chance(0.3F);
    for (int axle = 0; axle < num_axles; ++axle) {
      const Vec3 at(spread(axle, num_axles, -0.6F), radius, z);
      const Primitive wheel =
          are_tyres ? torus(radius - 0.09F, 0.085F, at) : cylinder(radius, wheel_half_width, at);
      add_pair("wheel", kDark, turned(wheel, 0, 90.0F));
      if (axle == 0 || axle == num_axles - 1) {
        const Vec3 outside = at + Vec3(0, 0, wheel_half_width + 0.03F);
        add_pair(hubcaps, turned(cylinder(0.5F * radius, 0.04F, outside), 0, 90.0F));
      }
    }
  }

  void add_sides() {
    const float half_length = is_truck ? 0.09F : 0.3F * (cabin.x() - 0.14F);
    for (int i = 0; i < windows; ++i) {
      const float x =
          cabin_x + (i / 2 == 0 ? 0.45F : -0.45F) * (cabin.x() - (is_truck ? 0.06F : 0.1F));
      const float z = (i % 2 == 0 ? 1.0F : -1.0F) * (cabin.z() + 0.03F);
      add(windows, box({half_length, 0.55F * cabin.y(), 0.04F}, {x, top() + cabin.y(), z}));
    }
    const float x = num_axles > 2 ? cabin_x : 0.0F;
    const Vec3 at(x, top() - 0.8F * half.y(), half.z() + 0.03F);
    add_pair(doors, box({0.17F, 0.7F * half.y(), 0.04F}, at));
  }

  void add_ends() {
    for (int i = 0; i < bumpers; ++i) {
      const float x = (i == 0 ? 1.0F : -1.0F) * (half.x() + 0.045F);
      add(bumpers, box({0.055F, 0.06F, 0.9F * half.z()}, {x, bottom() + 0.07F, 0}));
    }
    const float y = bottom() + 1.4F * half.y();
    const Vec3 front(0.95F * half.x() + 0.04F, y, 0.62F * half.z());
    add_pair(headlights, turned(cylinder(0.075F, 0.07F, front), 2, 90.0F));
    const Vec3 back(-0.95F * half.x() - 0.04F, y, 0.66F * half.z());
    add_pair(taillights, box({0.06F, 0.06F, 0.08F}, back));
  }

  void add_load() {
    const float low = -0.85F;
    const float high = cabin_x - cabin.x() - (chimney ? 0.17F : 0.03F);
    const float pitch = (high - low) / static_cast<float>(std::max<int>(cargo, 1));
    for (int i = 0; i < cargo; ++i) {
      const float x = low + (i + 0.5F) * pitch;
      const float height = random.uniform(0.12F, 0.26F);
      const float half_length = pitch / 2.0F - 0.02F;
      const float radius = std::min(half_length, height);
      const Vec3 size(half_length, height, 0.85F * half_width);
      const Primitive barrel = cylinder(radius, size.z(), {x, top() + radius - 0.005F, 0});
      add_kind(random.chance(0.6F) ? 0 : 1,
               {{"crate", kGreen, box(size, {x, top() + height - 0.005F, 0})},
                {"barrel", kPurple, turned(barrel, 0, 90.0F)}});
    }
    const float on_cabin = cabin_x + cabin.x() * (kind == kBus ? 0.6F : 0.0F);
    const Vec3 foot = is_truck ? Vec3(high + 0.09F, top(), 0) : Vec3(on_cabin, roof(), -0.1F);
    add(chimney, cylinder(0.065F, 0.2F, foot + up(0.195F)));
    const Vec3 behind = kind == kCar ? Vec3(-0.78F, top() + 0.07F, 0)
                                     : Vec3(cabin_x - 0.3F * cabin.x(), roof() + 0.07F, 0);
    add(spoiler, trapezoid({0.1F, 0.075F, 0.85F * half.z()}, 0.05F, behind));
  }

  const bool has_rollers = count == 3 || count == 4;  // across the whole width instead of wheels
  const bool has_cabin = count != 3 && count != 5;
  Feature& bumpers = feature("bumper", kTeal, {.most = 2});
  Feature& headlights = feature("headlight", kLime, {.step = 2});
  Feature& taillights = feature("taillight", kPink, {.step = 2});
  Feature& windows = feature("window", kSky, {.most = 4});
  Feature& doors = feature("door", kOrange, {.step = 2});
  Feature& extra_axles = feature({.step = 2, .most = 2, .weight = 0.6F});
  Feature& hubcaps = feature("hubcap", kGrey, {.step = 4, .weight = 0.6F});
  Feature& cargo = feature({.most = 5});
  Feature& chimney = feature("chimney", kBlue, {.weight = 0.6F});
  Feature& spoiler = feature("spoiler", kBrown, {.weight = 0.6F});

  const int num_extra = draw_plan(has_cabin ? 6 : 5);
  const int num_axles = count < 5 ? 0 : 2 + extra_axles;
  const VehicleKind kind = cargo ? kTruck : random.choice({kCar, kBus, kTruck});
  const bool is_truck = kind == kTruck;
  const float half_width = random.uniform(0.32F, 0.44F);
  const Vec3 half = {0.9F, random.uniform(0.13F, 0.2F), half_width};  // of the body
  const float wheel_radius =
      num_axles == 2 ? random.uniform(0.2F, 0.28F) : random.uniform(0.17F, 0.19F);
  const float wheel_half_width = random.uniform(0.08F, 0.11F);
  const Vec3 cabin = draw_cabin();  // half its size
  const float cabin_x =
      kind == kCar ? random.uniform(-0.2F, 0.0F) : (is_truck ? 0.86F - cabin.x() : 0.0F);

  // A body lies on its rollers, and hangs between its wheels.
  float bottom() const {
    return has_rollers ? 1.9F * wheel_radius : (num_axles > 0 ? 0.75F * wheel_radius : 0.0F);
  }
  float top() const { return bottom() + 2.0F * half.y(); }
  float roof() const { return has_cabin ? top() + 2.0F * cabin.y() : top(); }
};

}  // namespace

Components make_vehicle(const AssetBuilder& start) { return made_by<Vehicle>(start); }

}  // namespace moca::procedural
