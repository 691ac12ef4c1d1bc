#include "asset_builder.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <numbers>
#include <stdexcept>

namespace moca::procedural {
namespace {

// The largest change per channel between two assets' colours of one role.
constexpr float kColorVariation = 0.04F;

// Whether the features can still add up to `count`.
bool can_fill(int count, const Features& features) {
  if (count < 0) {
    return false;
  }
  std::vector<bool> reachable(count + 1, false);
  reachable[0] = true;
  for (const Feature& feature : features) {
    for (int more = 0; more < feature.most; ++more) {
      for (int sum = count; sum >= feature.step; --sum) {
        reachable[sum] = reachable[sum] || reachable[sum - feature.step];
      }
    }
  }
  return reachable[count];
}

void widen(float& size, float smallest) { size = std::max(size, smallest); }

// Raises what is thinner than the limits. No shape reads the sizes that it does not have.
void thicken(Primitive& primitive) {
  constexpr float kHalfPlate = kMinPlateThickness / 2.0F;
  primitive.half_size = primitive.half_size.cwiseMax(kHalfPlate);
  widen(primitive.half_height, kHalfPlate);
  if (primitive.shape == PrimitiveShape::kTorus) {
    widen(primitive.minor, kMinStickRadius);
    widen(primitive.radius, 2.0F * primitive.minor);
  } else if (primitive.shape == PrimitiveShape::kCone && primitive.minor >= primitive.radius) {
    widen(primitive.minor, kMinStickRadius);
  } else if (primitive.shape == PrimitiveShape::kPrism) {
    // The flats of a hexagon lie nearer than its corners.
    widen(primitive.radius, kMinStickRadius * 2.0F / std::numbers::sqrt3_v<float>);
  } else {
    widen(primitive.radius, kMinStickRadius);
  }
}

// Bounding box centre to 0, longest side to kLongestSide.
void normalise(std::vector<ProceduralComponent>& components) {
  mesh::Box whole = bounds_of(components.front().primitive);
  for (const ProceduralComponent& component : components) {
    const mesh::Box bounds = bounds_of(component.primitive);
    whole.low = whole.low.cwiseMin(bounds.low);
    whole.high = whole.high.cwiseMax(bounds.high);
  }
  const Vec3 center = (whole.low + whole.high) / 2.0F;
  const float scale = kLongestSide / (whole.high - whole.low).maxCoeff();
  for (ProceduralComponent& component : components) {
    component.primitive = scaled(moved(component.primitive, -center), scale);
  }
}

}  // namespace

float Random::uniform(float low, float high) {
  const auto fraction = static_cast<float>(engine_() >> 40U) * 0x1p-24F;
  return low + fraction * (high - low);
}

Vec3 Random::uniform(const Vec3& low, const Vec3& high) {
  const float z = uniform(low.z(), high.z());
  const float y = uniform(low.y(), high.y());
  return {uniform(low.x(), high.x()), y, z};
}

int Random::integer(int low, int high) {
  return low + static_cast<int>(engine_() % static_cast<uint64_t>(high - low + 1));
}

void draw_features(int count, Features& features, Random& random) {
  const auto take = [&count](Feature& feature, int times) {
    feature.times += times;
    feature.most -= times;
    count -= times * feature.step;
  };
  for (Feature& feature : features) {
    take(feature, feature.least);
  }
  while (count > 0) {
    std::vector<Feature*> fitting;
    float total = 0;
    for (Feature& feature : features) {
      --feature.most;
      if (feature.most >= 0 && feature.weight > 0 && can_fill(count - feature.step, features)) {
        fitting.push_back(&feature);
        total += feature.weight;
      }
      ++feature.most;
    }
    if (fitting.empty()) {
      break;
    }
    size_t chosen = 0;
    float left = random.uniform(0, total);
    for (; chosen + 1 < fitting.size() && left >= fitting[chosen]->weight; ++chosen) {
      left -= fitting[chosen]->weight;
    }
    take(*fitting[chosen], 1);
  }
  if (count != 0) {
    throw std::logic_error("asset builder: no features fill the last " + std::to_string(count) +
                           " components");
  }
}

void AssetBuilder::add(std::string_view role, Paint paint, const Primitive& primitive) {
  Role& shared = roles_[std::string(role)];
  if (shared.total == 0) {
    shared.color = Vec3(paint.data());
    for (float& channel : shared.color) {
      channel = std::clamp(channel + random.uniform(-kColorVariation, kColorVariation), 0.0F, 1.0F);
    }
  }
  ++shared.total;
  components_.push_back({std::string(role), shared.color, primitive});
}

void AssetBuilder::add_pair(std::string_view role, Paint paint, const Primitive& primitive) {
  add(role, paint, primitive);
  add(role, paint, mirrored(primitive, side_axis));
}

void AssetBuilder::add(const Feature& feature, const Primitive& primitive) {
  if (feature.times > 0) {
    add(feature.role, feature.paint, primitive);
  }
}

void AssetBuilder::add_pair(const Feature& feature, const Primitive& primitive) {
  add(feature, primitive);
  add(feature, mirrored(primitive, side_axis));
}

void AssetBuilder::add_boards(const Feature& boards, const Vec3& half_size, float y, float gap) {
  for (int i = 0; i < boards; ++i) {
    const auto [z, half_depth] = strip(i, boards, half_size.z(), boards > 1 ? gap : 0.0F);
    add(boards, box({half_size.x(), half_size.y(), half_depth}, {0, y, z}));
  }
}

void AssetBuilder::add_kind(int index, std::initializer_list<Part> kinds) {
  const auto& [role, paint, primitive] = kinds.begin()[index % kinds.size()];
  add(role, paint, primitive);
}

Feature& AssetBuilder::feature(std::string_view role, Paint paint, Feature made) {
  made.role = role;
  made.paint = paint;
  return feature(made);
}

int AssetBuilder::draw_plan(int num_core) {
  const int num_extra = std::max(count - num_core, 0);
  draw_features(num_extra, features_, random);
  return num_extra;
}

std::vector<ProceduralComponent> AssetBuilder::finish() {
  // Only roles that repeat are numbered.
  for (ProceduralComponent& component : components_) {
    Role& role = roles_[component.name];
    if (role.total > 1) {
      component.name.append("_").append(std::to_string(++role.numbered));
    }
  }
  // Thickening can widen the whole, and scaling that back thins again; each round leaves a fraction
  // of it to do. The frame has the last word, the thickness is by then within rounding of it.
  constexpr int kRounds = 8;
  for (int round = 0; round < kRounds; ++round) {
    normalise(components_);
    for (ProceduralComponent& component : components_) {
      thicken(component.primitive);
    }
  }
  normalise(components_);
  return std::move(components_);
}

Primitive stick(StickStyle style, const Vec3& from, const Vec3& to, float radius) {
  const Vec3 center = (from + to) / 2.0F;
  const float half_length = (to - from).norm() / 2.0F;
  // In the order of StickStyle.
  const std::array<Primitive, 4> upright = {
      cylinder(radius, half_length, center), box(Vec3(radius, half_length, radius), center),
      cone(0.65F * radius, 1.2F * radius, half_length, center),
      prism(1.1F * radius, half_length, center)};
  const Vec3 along = (to - from).normalized();
  return rotated(upright[static_cast<size_t>(style)],
                 Eigen::Quaternionf::FromTwoVectors(up(1), along).toRotationMatrix());
}

Eigen::Matrix3f turn_about(int axis, float degrees) {
  const float angle = degrees * std::numbers::pi_v<float> / 180.0F;
  return Eigen::AngleAxisf(angle, Vec3::Unit(axis)).toRotationMatrix();
}

Vec3 around(float degrees, float length) { return turn_about(1, degrees) * Vec3(0, 0, length); }

Strip strip(int index, int count, float half, float gap) {
  const float pitch = 2.0F * half / static_cast<float>(count);
  return {-half + (static_cast<float>(index) + 0.5F) * pitch, (pitch - gap) / 2.0F};
}

float spread(int index, int count, float half) {
  if (count == 1) {
    return 0;
  }
  return half * (2.0F * static_cast<float>(index) / static_cast<float>(count - 1) - 1.0F);
}

}  // namespace moca::procedural
