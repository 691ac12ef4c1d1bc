#include "asset_builder.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace moca::procedural {
namespace {

// The largest change per channel between two assets' colours of one role.
constexpr float kColorVariation = 0.04F;

// Which sums up to `count` the features can still add, each having been drawn `times` already.
std::vector<bool> reachable_sums(int count, const std::vector<Feature>& features,
                                 const std::vector<int>& times) {
  std::vector<bool> reachable(count + 1, false);
  reachable[0] = true;
  for (size_t i = 0; i < features.size(); ++i) {
    for (int more = times[i]; more < features[i].most; ++more) {
      for (int sum = count; sum >= features[i].step; --sum) {
        reachable[sum] = reachable[sum] || reachable[sum - features[i].step];
      }
    }
  }
  return reachable;
}

void widen(float& size, float smallest) { size = std::max(size, smallest); }

// Raises what is thinner than the limits.
void thicken(Primitive& primitive) {
  constexpr float kHalfPlate = kMinPlateThickness / 2.0F;
  switch (primitive.shape) {
    case PrimitiveShape::kBox:
    case PrimitiveShape::kRoundedBox:
    case PrimitiveShape::kTrapezoid:
      primitive.half_size = primitive.half_size.cwiseMax(kHalfPlate);
      break;
    case PrimitiveShape::kCone:
      if (primitive.minor < primitive.radius) {
        widen(primitive.radius, kMinStickRadius);
      } else {
        widen(primitive.minor, kMinStickRadius);
      }
      widen(primitive.half_height, kHalfPlate);
      break;
    case PrimitiveShape::kTorus:
      widen(primitive.minor, kMinStickRadius);
      widen(primitive.radius, 2.0F * primitive.minor);
      break;
    case PrimitiveShape::kPrism:
      // The flats of a hexagon lie nearer than its corners.
      widen(primitive.radius, kMinStickRadius * 2.0F / std::numbers::sqrt3_v<float>);
      widen(primitive.half_height, kHalfPlate);
      break;
    case PrimitiveShape::kCapsule:
    case PrimitiveShape::kCylinder:
    case PrimitiveShape::kSphere:
      widen(primitive.radius, kMinStickRadius);
      widen(primitive.half_height, kHalfPlate);
      break;
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

void number_repeated_names(std::vector<ProceduralComponent>& components) {
  std::map<std::string, int> totals;
  for (const ProceduralComponent& component : components) {
    ++totals[component.name];
  }
  std::map<std::string, int> seen;
  for (ProceduralComponent& component : components) {
    if (totals[component.name] > 1) {
      const int number = ++seen[component.name];
      component.name.append("_").append(std::to_string(number));
    }
  }
}

}  // namespace

float Random::uniform(float low, float high) {
  const auto fraction = static_cast<float>(engine_() >> 40U) * 0x1p-24F;
  return low + fraction * (high - low);
}

int Random::integer(int low, int high) {
  return low + static_cast<int>(engine_() % static_cast<uint64_t>(high - low + 1));
}

std::vector<int> draw_features(int count, const std::vector<Feature>& features, Random& random) {
  std::vector<int> times(features.size());
  for (size_t i = 0; i < features.size(); ++i) {
    times[i] = features[i].least;
    count -= features[i].least * features[i].step;
  }
  while (count > 0) {
    std::vector<float> weights(features.size(), 0.0F);
    float total = 0;
    for (size_t i = 0; i < features.size(); ++i) {
      if (times[i] == features[i].most || features[i].step > count) {
        continue;
      }
      ++times[i];
      if (reachable_sums(count, features, times)[count - features[i].step]) {
        weights[i] = features[i].weight;
        total += weights[i];
      }
      --times[i];
    }
    if (total <= 0) {
      break;
    }
    float left = random.uniform(0, total);
    size_t chosen = 0;
    for (size_t i = 0; i < features.size() && left >= 0; ++i) {
      if (weights[i] > 0) {
        chosen = i;
        left -= weights[i];
      }
    }
    ++times[chosen];
    count -= features[chosen].step;
  }
  if (count != 0) {
    throw std::logic_error("asset builder: no features fill the last " + std::to_string(count) +
                           " components");
  }
  return times;
}

void Maker::draw_plan(int count, const std::vector<Feature*>& plan) {
  std::vector<Feature> features;
  for (const Feature* feature : plan) {
    features.push_back(*feature);
  }
  const std::vector<int> times = draw_features(count, features, random);
  for (size_t i = 0; i < plan.size(); ++i) {
    plan[i]->times += times[i];
  }
}

void AssetBuilder::add(std::string_view role, Paint paint, const Primitive& primitive) {
  auto color = colors_.find(role);
  if (color == colors_.end()) {
    Vec3 varied(paint.data());
    for (float& channel : varied) {
      channel =
          std::clamp(channel + random_.uniform(-kColorVariation, kColorVariation), 0.0F, 1.0F);
    }
    color = colors_.emplace(std::string(role), varied).first;
  }
  components_.push_back({std::string(role), color->second, primitive});
}

void AssetBuilder::add_pair(std::string_view role, Paint paint, const Primitive& primitive,
                            int axis) {
  add(role, paint, primitive);
  add(role, paint, mirrored(primitive, axis));
}

std::vector<ProceduralComponent> AssetBuilder::finish() {
  number_repeated_names(components_);
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
  Primitive made;
  switch (style) {
    case StickStyle::kRound:
      made = cylinder(radius, half_length, center);
      break;
    case StickStyle::kSquare:
      made = box(Vec3(radius, half_length, radius), center);
      break;
    case StickStyle::kTapered:
      made = cone(0.65F * radius, 1.2F * radius, half_length, center);
      break;
    case StickStyle::kHexagonal:
      made = prism(1.1F * radius, half_length, center);
      break;
  }
  const Vec3 up = Vec3::UnitY();
  const Vec3 along = (to - from).normalized();
  return rotated(made, Eigen::Quaternionf::FromTwoVectors(up, along).toRotationMatrix());
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
