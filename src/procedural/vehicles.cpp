// Cars, buses and trucks, driving along +X on wheels that turn about Z.
#include <algorithm>
#include <array>

#include "families.h"

namespace moca::procedural {
namespace {

enum class VehicleKind { kCar, kBus, kTruck };

struct Vehicle {
  VehicleKind kind = VehicleKind::kCar;
  bool has_rollers = false;  // two across the whole width instead of wheels
  int num_axles = 0;
  bool has_cabin = true;
  int num_bumpers = 0;
  bool has_headlights = false;
  bool has_taillights = false;
  int num_windows = 0;
  bool has_doors = false;
  bool has_hubcaps = false;
  int num_cargo = 0;
  bool has_chimney = false;
  bool has_spoiler = false;

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

void plan_vehicle(Vehicle& vehicle, int count, Random& random) {
  vehicle.has_rollers = count == 3 || count == 4;
  vehicle.has_cabin = count != 3;
  if (count >= 5) {
    const int cabin = count > 5 ? 1 : 0;
    draw_plan(count - 5 - cabin,
              {{&vehicle.num_bumpers, {.most = 2}},
               {&vehicle.has_headlights, {.step = 2}},
               {&vehicle.has_taillights, {.step = 2}},
               {&vehicle.num_windows, {.most = 4}},
               {&vehicle.has_doors, {.step = 2}},
               {&vehicle.num_axles, {.step = 2, .most = 2, .weight = 0.6F}},
               {&vehicle.has_hubcaps, {.step = 4, .weight = 0.6F}},
               {&vehicle.num_cargo, {.most = 5}},
               {&vehicle.has_chimney, {.weight = 0.6F}},
               {&vehicle.has_spoiler, {.weight = 0.6F}}},
              random);
    vehicle.has_cabin = cabin > 0;
    vehicle.num_axles += 2;  // two are there anyway
  }
  vehicle.kind =
      vehicle.num_cargo > 0 ? VehicleKind::kTruck : static_cast<VehicleKind>(random.integer(0, 2));
}

void draw_sizes(Vehicle& vehicle, Random& random) {
  const float half_width = random.uniform(0.32F, 0.44F);
  vehicle.half_size = Vec3(0.9F, random.uniform(0.13F, 0.2F), half_width);
  const bool has_large_wheels = vehicle.num_axles == 2;
  vehicle.wheel_radius =
      has_large_wheels ? random.uniform(0.2F, 0.28F) : random.uniform(0.17F, 0.19F);
  vehicle.wheel_half_width = random.uniform(0.08F, 0.11F);
  switch (vehicle.kind) {
    case VehicleKind::kCar:
      vehicle.cabin_half_size =
          Vec3(random.uniform(0.42F, 0.52F), random.uniform(0.15F, 0.2F), 0.9F * half_width);
      vehicle.cabin_x = random.uniform(-0.2F, 0.0F);
      break;
    case VehicleKind::kBus:
      vehicle.cabin_half_size =
          Vec3(random.uniform(0.8F, 0.88F), random.uniform(0.2F, 0.3F), 0.95F * half_width);
      break;
    case VehicleKind::kTruck:
      vehicle.cabin_half_size =
          Vec3(random.uniform(0.24F, 0.3F), random.uniform(0.22F, 0.32F), 0.95F * half_width);
      vehicle.cabin_x = 0.86F - vehicle.cabin_half_size.x();
      break;
  }
}

void add_body(AssetBuilder& builder, const Vehicle& vehicle) {
  const Vec3& half_size = vehicle.half_size;
  const Vec3 center(0, vehicle.bottom() + half_size.y(), 0);
  const std::array<Primitive, 3> bodies = {box(half_size, center),
                                           rounded_box(half_size, 0.08F, center),
                                           trapezoid(half_size, 0.92F * half_size.x(), center)};
  builder.add("body", paint::kRed, bodies[builder.random().integer(0, 2)]);
  if (!vehicle.has_cabin) {
    return;
  }
  const Vec3& cabin = vehicle.cabin_half_size;
  const Vec3 at(vehicle.cabin_x, vehicle.top() + cabin.y(), 0);
  const bool is_slanted = vehicle.kind == VehicleKind::kCar || builder.random().chance(0.3F);
  builder.add("cabin", paint::kYellow,
              is_slanted ? trapezoid(cabin, cabin.x() - 0.14F, at) : box(cabin, at));
}

void add_wheels(AssetBuilder& builder, const Vehicle& vehicle) {
  const Eigen::Matrix3f sideways = turn_about(0, 90.0F);
  const float radius = vehicle.wheel_radius;
  if (vehicle.has_rollers) {
    const float half_length = vehicle.half_size.z() + 0.1F;
    for (const float x : {0.55F, -0.55F}) {
      builder.add("roller", paint::kDark,
                  rotated(cylinder(radius, half_length, Vec3(x, radius, 0)), sideways));
    }
    return;
  }
  const float z = vehicle.half_size.z() + vehicle.wheel_half_width - 0.01F;
  const bool are_tyres = !vehicle.has_hubcaps && radius > 0.21F && builder.random().chance(0.3F);
  for (int axle = 0; axle < vehicle.num_axles; ++axle) {
    const Vec3 at(spread(axle, vehicle.num_axles, -0.6F), radius, z);
    const Primitive wheel = are_tyres ? torus(radius - 0.09F, 0.085F, at)
                                      : cylinder(radius, vehicle.wheel_half_width, at);
    builder.add_pair("wheel", paint::kDark, rotated(wheel, sideways), 2);
    if (vehicle.has_hubcaps && (axle == 0 || axle == vehicle.num_axles - 1)) {
      const Vec3 outside = at + Vec3(0, 0, vehicle.wheel_half_width + 0.03F);
      builder.add_pair("hubcap", paint::kGrey,
                       rotated(cylinder(0.5F * radius, 0.04F, outside), sideways), 2);
    }
  }
}

void add_sides(AssetBuilder& builder, const Vehicle& vehicle) {
  const Vec3& cabin = vehicle.cabin_half_size;
  const bool is_truck = vehicle.kind == VehicleKind::kTruck;
  const float half_width = is_truck ? 0.09F : 0.3F * (cabin.x() - 0.14F);
  for (int i = 0; i < vehicle.num_windows; ++i) {
    const float x =
        vehicle.cabin_x + (i / 2 == 0 ? 0.45F : -0.45F) * (cabin.x() - (is_truck ? 0.06F : 0.1F));
    const float z = (i % 2 == 0 ? 1.0F : -1.0F) * (cabin.z() + 0.03F);
    builder.add(
        "window", paint::kSky,
        box(Vec3(half_width, 0.55F * cabin.y(), 0.04F), Vec3(x, vehicle.top() + cabin.y(), z)));
  }
  if (vehicle.has_doors) {
    const float x = vehicle.num_axles > 2 ? vehicle.cabin_x : 0.0F;
    builder.add_pair(
        "door", paint::kOrange,
        box(Vec3(0.17F, 0.7F * vehicle.half_size.y(), 0.04F),
            Vec3(x, vehicle.top() - 0.8F * vehicle.half_size.y(), vehicle.half_size.z() + 0.03F)),
        2);
  }
}

void add_ends(AssetBuilder& builder, const Vehicle& vehicle) {
  const Vec3& body = vehicle.half_size;
  for (int i = 0; i < vehicle.num_bumpers; ++i) {
    const float x = (i == 0 ? 1.0F : -1.0F) * (body.x() + 0.045F);
    builder.add("bumper", paint::kTeal,
                box(Vec3(0.055F, 0.06F, 0.9F * body.z()), Vec3(x, vehicle.bottom() + 0.07F, 0)));
  }
  const float y = vehicle.bottom() + 1.4F * body.y();
  if (vehicle.has_headlights) {
    builder.add_pair(
        "headlight", paint::kLime,
        rotated(cylinder(0.075F, 0.07F, Vec3(0.95F * body.x() + 0.04F, y, 0.62F * body.z())),
                turn_about(2, 90.0F)),
        2);
  }
  if (vehicle.has_taillights) {
    builder.add_pair(
        "taillight", paint::kPink,
        box(Vec3(0.06F, 0.06F, 0.08F), Vec3(-0.95F * body.x() - 0.04F, y, 0.66F * body.z())), 2);
  }
}

void add_load(AssetBuilder& builder, const Vehicle& vehicle) {
  const bool is_truck = vehicle.kind == VehicleKind::kTruck;
  const float low = -0.85F;
  const float high =
      vehicle.cabin_x - vehicle.cabin_half_size.x() - (vehicle.has_chimney ? 0.17F : 0.03F);
  const float pitch =
      (high - low) / static_cast<float>(vehicle.num_cargo > 0 ? vehicle.num_cargo : 1);
  for (int i = 0; i < vehicle.num_cargo; ++i) {
    const float x = low + (static_cast<float>(i) + 0.5F) * pitch;
    const float half_height = builder.random().uniform(0.12F, 0.26F);
    const Vec3 at(x, vehicle.top() + half_height - 0.005F, 0);
    const float half_length = pitch / 2.0F - 0.02F;
    const float half_width = 0.85F * vehicle.half_size.z();
    if (builder.random().chance(0.6F)) {
      builder.add("crate", paint::kGreen, box(Vec3(half_length, half_height, half_width), at));
    } else {
      const float radius = std::min(half_length, half_height);
      builder.add("barrel", paint::kPurple,
                  rotated(cylinder(radius, half_width, Vec3(x, vehicle.top() + radius - 0.005F, 0)),
                          turn_about(0, 90.0F)));
    }
  }
  if (vehicle.has_chimney) {
    const float x = is_truck
                        ? high + 0.09F
                        : vehicle.cabin_x + vehicle.cabin_half_size.x() *
                                                (vehicle.kind == VehicleKind::kBus ? 0.6F : 0.0F);
    const float foot = is_truck ? vehicle.top() : vehicle.roof();
    builder.add("chimney", paint::kBlue,
                cylinder(0.065F, 0.2F, Vec3(x, foot + 0.195F, is_truck ? 0.0F : -0.1F)));
  }
  if (vehicle.has_spoiler) {
    const bool on_roof = vehicle.kind != VehicleKind::kCar;
    const float x = on_roof ? vehicle.cabin_x - 0.3F * vehicle.cabin_half_size.x() : -0.78F;
    const float y = (on_roof ? vehicle.roof() : vehicle.top()) + 0.07F;
    builder.add("spoiler", paint::kBrown,
                trapezoid(Vec3(0.1F, 0.075F, 0.85F * vehicle.half_size.z()), 0.05F, Vec3(x, y, 0)));
  }
}

}  // namespace

void build_vehicle(AssetBuilder& builder, int count) {
  Vehicle vehicle;
  plan_vehicle(vehicle, count, builder.random());
  draw_sizes(vehicle, builder.random());
  add_body(builder, vehicle);
  add_wheels(builder, vehicle);
  add_sides(builder, vehicle);
  add_ends(builder, vehicle);
  add_load(builder, vehicle);
}

}  // namespace moca::procedural
