// Cars, buses and trucks, driving along +X on wheels that turn about Z.
#include <algorithm>
#include <array>

#include "families.h"

namespace moca::procedural {
namespace {

enum class VehicleKind { kCar, kBus, kTruck };

struct Vehicle : Maker {
  using enum VehicleKind;

  void build(int count) {
    plan(count);
    draw_sizes();
    add_body();
    add_wheels();
    add_sides();
    add_ends();
    add_load();
  }

  void plan(int count) {
    has_rollers = count == 3 || count == 4;
    has_cabin = count != 3;
    if (count >= 5) {
      const int cabin = count > 5 ? 1 : 0;
      draw_plan(count - 5 - cabin,
                {&num_bumpers, &has_headlights, &has_taillights, &num_windows, &has_doors,
                 &num_axles, &has_hubcaps, &num_cargo, &has_chimney, &has_spoiler});
      has_cabin = cabin > 0;
      num_axles.times += 2;  // two are there anyway
    }
    kind = num_cargo > 0 ? kTruck : static_cast<VehicleKind>(random.integer(0, 2));
  }

  void draw_sizes() {
    const float half_width = random.uniform(0.32F, 0.44F);
    half_size = Vec3(0.9F, random.uniform(0.13F, 0.2F), half_width);
    const bool has_large_wheels = num_axles == 2;
    wheel_radius = has_large_wheels ? random.uniform(0.2F, 0.28F) : random.uniform(0.17F, 0.19F);
    wheel_half_width = random.uniform(0.08F, 0.11F);
    switch (kind) {
      case kCar:
        cabin_half_size =
            Vec3(random.uniform(0.42F, 0.52F), random.uniform(0.15F, 0.2F), 0.9F * half_width);
        cabin_x = random.uniform(-0.2F, 0.0F);
        break;
      case kBus:
        cabin_half_size =
            Vec3(random.uniform(0.8F, 0.88F), random.uniform(0.2F, 0.3F), 0.95F * half_width);
        break;
      case kTruck:
        cabin_half_size =
            Vec3(random.uniform(0.24F, 0.3F), random.uniform(0.22F, 0.32F), 0.95F * half_width);
        cabin_x = 0.86F - cabin_half_size.x();
        break;
    }
  }

  void add_body() {
    const Vec3 center(0, bottom() + half_size.y(), 0);
    const std::array<Primitive, 3> bodies = {box(half_size, center),
                                             rounded_box(half_size, 0.08F, center),
                                             trapezoid(half_size, 0.92F * half_size.x(), center)};
    add("body", kRed, bodies[random.integer(0, 2)]);
    if (!has_cabin) {
      return;
    }
    const Vec3& cabin = cabin_half_size;
    const Vec3 at(cabin_x, top() + cabin.y(), 0);
    const bool is_slanted = kind == kCar || random.chance(0.3F);
    add("cabin", kYellow, is_slanted ? trapezoid(cabin, cabin.x() - 0.14F, at) : box(cabin, at));
  }

  void add_wheels() {
    const Eigen::Matrix3f sideways = turn_about(0, 90.0F);
    const float radius = wheel_radius;
    if (has_rollers) {
      const float half_length = half_size.z() + 0.1F;
      for (const float x : {0.55F, -0.55F}) {
        add("roller", kDark, rotated(cylinder(radius, half_length, {x, radius, 0}), sideways));
      }
      return;
    }
    const float z = half_size.z() + wheel_half_width - 0.01F;
    const bool are_tyres = !has_hubcaps && radius > 0.21F && random.chance(0.3F);
    for (int axle = 0; axle < num_axles; ++axle) {
      const Vec3 at(spread(axle, num_axles, -0.6F), radius, z);
      const Primitive wheel =
          are_tyres ? torus(radius - 0.09F, 0.085F, at) : cylinder(radius, wheel_half_width, at);
      add_pair("wheel", kDark, rotated(wheel, sideways), 2);
      if (has_hubcaps && (axle == 0 || axle == num_axles - 1)) {
        const Vec3 outside = at + Vec3(0, 0, wheel_half_width + 0.03F);
        add_pair("hubcap", kGrey, rotated(cylinder(0.5F * radius, 0.04F, outside), sideways), 2);
      }
    }
  }

  void add_sides() {
    const Vec3& cabin = cabin_half_size;
    const bool is_truck = kind == kTruck;
    const float half_width = is_truck ? 0.09F : 0.3F * (cabin.x() - 0.14F);
    for (int i = 0; i < num_windows; ++i) {
      const float x =
          cabin_x + (i / 2 == 0 ? 0.45F : -0.45F) * (cabin.x() - (is_truck ? 0.06F : 0.1F));
      const float z = (i % 2 == 0 ? 1.0F : -1.0F) * (cabin.z() + 0.03F);
      add("window", kSky, box({half_width, 0.55F * cabin.y(), 0.04F}, {x, top() + cabin.y(), z}));
    }
    if (has_doors) {
      const float x = num_axles > 2 ? cabin_x : 0.0F;
      const Vec3 at(x, top() - 0.8F * half_size.y(), half_size.z() + 0.03F);
      add_pair("door", kOrange, box({0.17F, 0.7F * half_size.y(), 0.04F}, at), 2);
    }
  }

  void add_ends() {
    const Vec3& body = half_size;
    for (int i = 0; i < num_bumpers; ++i) {
      const float x = (i == 0 ? 1.0F : -1.0F) * (body.x() + 0.045F);
      add("bumper", kTeal, box({0.055F, 0.06F, 0.9F * body.z()}, {x, bottom() + 0.07F, 0}));
    }
    const float y = bottom() + 1.4F * body.y();
    if (has_headlights) {
      const Vec3 at(0.95F * body.x() + 0.04F, y, 0.62F * body.z());
      add_pair("headlight", kLime, rotated(cylinder(0.075F, 0.07F, at), turn_about(2, 90.0F)), 2);
    }
    if (has_taillights) {
      add_pair("taillight", kPink,
               box({0.06F, 0.06F, 0.08F}, {-0.95F * body.x() - 0.04F, y, 0.66F * body.z()}), 2);
    }
  }

  void add_load() {
    const bool is_truck = kind == kTruck;
    const float low = -0.85F;
    const float high = cabin_x - cabin_half_size.x() - (has_chimney ? 0.17F : 0.03F);
    const float pitch = (high - low) / static_cast<float>(num_cargo > 0 ? num_cargo : 1);
    for (int i = 0; i < num_cargo; ++i) {
      const float x = low + (i + 0.5F) * pitch;
      const float half_height = random.uniform(0.12F, 0.26F);
      const Vec3 at(x, top() + half_height - 0.005F, 0);
      const float half_length = pitch / 2.0F - 0.02F;
      const float half_width = 0.85F * half_size.z();
      if (random.chance(0.6F)) {
        add("crate", kGreen, box({half_length, half_height, half_width}, at));
      } else {
        const float radius = std::min(half_length, half_height);
        const Primitive barrel = cylinder(radius, half_width, {x, top() + radius - 0.005F, 0});
        add("barrel", kPurple, rotated(barrel, turn_about(0, 90.0F)));
      }
    }
    if (has_chimney) {
      const float x =
          is_truck ? high + 0.09F : cabin_x + cabin_half_size.x() * (kind == kBus ? 0.6F : 0.0F);
      const float foot = is_truck ? top() : roof();
      add("chimney", kBlue, cylinder(0.065F, 0.2F, {x, foot + 0.195F, is_truck ? 0.0F : -0.1F}));
    }
    if (has_spoiler) {
      const bool on_roof = kind != kCar;
      const float x = on_roof ? cabin_x - 0.3F * cabin_half_size.x() : -0.78F;
      const float y = (on_roof ? roof() : top()) + 0.07F;
      add("spoiler", kBrown, trapezoid({0.1F, 0.075F, 0.85F * half_size.z()}, 0.05F, {x, y, 0}));
    }
  }

  VehicleKind kind = kCar;
  bool has_rollers = false;  // two across the whole width instead of wheels
  Feature num_axles = {.step = 2, .most = 2, .weight = 0.6F};
  bool has_cabin = true;
  Feature num_bumpers = {.most = 2};
  Feature has_headlights = {.step = 2};
  Feature has_taillights = {.step = 2};
  Feature num_windows = {.most = 4};
  Feature has_doors = {.step = 2};
  Feature has_hubcaps = {.step = 4, .weight = 0.6F};
  Feature num_cargo = {.most = 5};
  Feature has_chimney = {.weight = 0.6F};
  Feature has_spoiler = {.weight = 0.6F};

  Vec3 half_size = Vec3::Zero();  // of the body
  float wheel_radius = 0.24F;
  float wheel_half_width = 0.09F;
  Vec3 cabin_half_size = Vec3::Zero();
  float cabin_x = 0;

  // A body lies on its rollers, and hangs between its wheels.
  float bottom() const {
    return has_rollers ? 1.9F * wheel_radius : (num_axles > 0 ? 0.75F * wheel_radius : 0.0F);
  }
  float top() const { return bottom() + 2.0F * half_size.y(); }
  float roof() const { return has_cabin ? top() + 2.0F * cabin_half_size.y() : top(); }
};

}  // namespace

void build_vehicle(AssetBuilder& builder, int count) { Vehicle{{builder}}.build(count); }

}  // namespace moca::procedural
