#include "moca/mesh/renderer.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

#include "moca/core/error.h"
#include "moca/mesh/scene_ops.h"
#include "paint.h"
#include "ray_caster.h"

namespace moca::mesh {
namespace {

struct Ray {
  Vec3 origin;
  Vec3 direction;
};

// The camera's axes, and its rays.
struct View {
  Vec3 back;  // from the origin towards the camera
  Vec3 right;
  Vec3 up;
  float distance = 0;
  float half_extent = 0;   // orthographic
  float half_tangent = 0;  // perspective when above 0

  // Through the middle of cell (column, row) of an image of side x side cells.
  Ray ray(int column, int row, int side) const {
    const auto scale = 2.0F / static_cast<float>(side);
    const float x = (static_cast<float>(column) + 0.5F) * scale - 1.0F;
    const float y = 1.0F - (static_cast<float>(row) + 0.5F) * scale;
    const Vec3 eye = distance * back;
    if (half_tangent > 0) {
      return {eye, (half_tangent * (x * right + y * up) - back).normalized()};
    }
    return {eye + half_extent * (x * right + y * up), -back};
  }
};

View make_view(const Scene& scene, const Camera& camera) {
  constexpr float kRadians = std::numbers::pi_v<float> / 180.0F;
  const float azimuth = camera.azimuth * kRadians;
  const float elevation = camera.elevation * kRadians;
  const Vec3 back(std::cos(elevation) * std::sin(azimuth), std::sin(elevation),
                  std::cos(elevation) * std::cos(azimuth));
  const Vec3 right(std::cos(azimuth), 0, -std::sin(azimuth));
  View view{back, right, back.cross(right), camera.distance, camera.half_extent};
  if (camera.field_of_view > 0) {
    view.half_tangent = std::tan(0.5F * camera.field_of_view * kRadians);
  } else {
    // Parallel rays look the same from anywhere: start them where nothing lies behind.
    const Box box = bounds(scene);
    view.distance = 1.0F + box.low.cwiseAbs().cwiseMax(box.high.cwiseAbs()).norm();
  }
  return view;
}

// What one ray saw.
struct PixelSample {
  int32_t component = -1;
  int32_t face = -1;
  Vec3 position = Vec3::Zero();
  Vec3 normal = Vec3::Zero();  // towards the camera, so that inverted faces are not dark
};

PixelSample take_sample(const RayCaster& caster, const Ray& ray) {
  const Hit hit = caster.cast(ray.origin, ray.direction);
  const bool is_back = hit.normal.dot(ray.direction) > 0;
  return {hit.component, hit.face, ray.origin + hit.distance * ray.direction,
          is_back ? Vec3(-hit.normal) : hit.normal};
}

// Diffuse light from the camera's upper left, a weaker one from its right, and an even sky.
Vec3 shade(const View& view, const Vec3& color, const Vec3& normal) {
  const Vec3 key = (view.back - 0.55F * view.right + 0.75F * view.up).normalized();
  const Vec3 fill = (view.back + 0.9F * view.right).normalized();
  const float sky = 0.5F + 0.5F * normal.y();
  const float light = 0.40F + 0.12F * sky + 0.46F * std::max(0.0F, normal.dot(key)) +
                      0.14F * std::max(0.0F, normal.dot(fill));
  return (color * light).cwiseMin(1.0F);
}

// How dark the line between two neighbouring samples is: at an outline, where one surface covers
// another, and at a crease. `spacing` is the distance between neighbouring rays. Never reads which
// components they belong to.
float line_strength(const PixelSample& a, const PixelSample& b, float spacing) {
  if ((a.component < 0) != (b.component < 0)) {
    return 0.6F;
  }
  if (a.component < 0) {
    return 0.0F;
  }
  const Vec3 step = b.position - a.position;
  const float off_plane = std::min(std::abs(step.dot(a.normal)), std::abs(step.dot(b.normal)));
  if (off_plane > 4.0F * spacing) {
    return 0.6F;
  }
  constexpr float kCosCrease = 0.8F;  // faces that meet at more than 37 degrees
  return a.normal.dot(b.normal) < kCosCrease ? 0.3F : 0.0F;
}

// Square image of samples, several per pixel and side.
struct SampleGrid {
  int side;
  float spacing;
  std::vector<PixelSample> samples;

  const PixelSample& at(int x, int y) const { return samples[static_cast<size_t>(y) * side + x]; }

  float darkest_line(int x, int y) const {
    const PixelSample& here = at(x, y);
    const float right = x + 1 < side ? line_strength(here, at(x + 1, y), spacing) : 0.0F;
    const float below = y + 1 < side ? line_strength(here, at(x, y + 1), spacing) : 0.0F;
    return std::max(right, below);
  }
};

SampleGrid take_samples(const RayCaster& caster, const View& view, int side) {
  const float half = view.half_tangent > 0 ? view.half_tangent * view.distance : view.half_extent;
  SampleGrid grid{side, 2.0F * half / static_cast<float>(side), {}};
  grid.samples.resize(static_cast<size_t>(side) * side);
#pragma omp parallel for schedule(static)
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      grid.samples[static_cast<size_t>(y) * side + x] = take_sample(caster, view.ray(x, y, side));
    }
  }
  return grid;
}

// Barycentric weights of the point of a face's plane that is nearest to `point`.
Vec3 weights_of(const TriangleMesh& mesh, const std::array<int32_t, 3>& face, const Vec3& point) {
  const Vec3& a = mesh.vertices[face[0]];
  const Vec3 ab = mesh.vertices[face[1]] - a, ac = mesh.vertices[face[2]] - a;
  const Vec3 normal = ab.cross(ac);
  const float area = normal.squaredNorm();
  if (!(area > 0)) {
    return {1, 0, 0};
  }
  const float b = (point - a).cross(ac).dot(normal) / area;
  const float c = ab.cross(point - a).dot(normal) / area;
  return Vec3(1 - b - c, b, c).cwiseMax(0.0F).cwiseMin(1.0F);
}

Vec3 own_color(const Component& component, const PixelSample& sample) {
  if (component.paint == nullptr) {
    return component.color;
  }
  const auto& face = component.mesh.faces[sample.face];
  return component.paint->at(sample.face, weights_of(component.mesh, face, sample.position));
}

Vec3 sample_color(const Scene& scene, const View& view, const SampleGrid& grid, Lines lines, int x,
                  int y) {
  const PixelSample& sample = grid.at(x, y);
  const Vec3 color =
      sample.component < 0
          ? Vec3::Ones()
          : shade(view, own_color(scene.components[sample.component], sample), sample.normal);
  return lines == Lines::kNone ? color : Vec3(color * (1.0F - grid.darkest_line(x, y)));
}

Image color_image(const Scene& scene, const View& view, const SampleGrid& grid, Lines lines,
                  int size) {
  Image image(size, size, 3);
  const int per_side = grid.side / size;
#pragma omp parallel for schedule(static)
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      Vec3 sum = Vec3::Zero();
      for (int i = 0; i < per_side * per_side; ++i) {
        sum += sample_color(scene, view, grid, lines, x * per_side + i % per_side,
                            y * per_side + i / per_side);
      }
      const Vec3 mean = sum / static_cast<float>(per_side * per_side);
      for (int c = 0; c < 3; ++c) {
        image.at(x, y)[c] =
            static_cast<uint8_t>(std::lround(255.0F * std::clamp(mean[c], 0.0F, 1.0F)));
      }
    }
  }
  return image;
}

ComponentMap id_image(const RayCaster& caster, const View& view, int size) {
  ComponentMap image(size, size, 1);
#pragma omp parallel for schedule(static)
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const Ray ray = view.ray(x, y, size);
      *image.at(x, y) = static_cast<uint16_t>(caster.cast(ray.origin, ray.direction).component + 1);
    }
  }
  return image;
}

// The share of an image's half side that a scene may fill: a pixel is left at each border, and
// half a pixel more for lines, which lie beside what they outline.
float inner_share(int size, Lines lines) {
  const auto side = static_cast<float>(size);
  return std::max(side - (lines == Lines::kNone ? 2.0F : 3.0F), 1.0F) / side;
}

}  // namespace

Camera fitted(Camera camera, const Scene& scene, int size, Lines lines) {
  constexpr float kRounding = 1.00001F;
  const View view = make_view(scene, camera);
  const float share = inner_share(size, lines);
  float distance = 0;
  float half_extent = 0;
  for (const auto& component : scene.components) {
    for (const auto& face : component.mesh.faces) {
      for (const int32_t vertex : face) {
        const Vec3& point = component.mesh.vertices[vertex];
        const float aside = std::max(std::abs(point.dot(view.right)), std::abs(point.dot(view.up)));
        half_extent = std::max(half_extent, aside / share);
        distance = std::max(distance, point.dot(view.back) + aside / (share * view.half_tangent));
      }
    }
  }
  if (view.half_tangent > 0) {
    camera.distance = std::max(camera.distance, kRounding * distance);
  } else {
    camera.half_extent = std::max(camera.half_extent, kRounding * half_extent);
  }
  return camera;
}

Rendering render(const Scene& scene, const Camera& camera, int size, int supersampling,
                 Lines lines) {
  if (size < 1 || supersampling < 1 || size * supersampling > 32768) {
    throw std::logic_error("render: size = " + std::to_string(size) +
                           ", supersampling = " + std::to_string(supersampling));
  }
  if (scene.components.size() > 65535) {
    throw Error("Cannot render ", scene.components.size(),
                " components: a component map tells at most 65535 apart.");
  }
  const RayCaster caster(scene);
  const View view = make_view(scene, camera);
  const SampleGrid grid = take_samples(caster, view, size * supersampling);
  return {color_image(scene, view, grid, lines, size), id_image(caster, view, size)};
}

Vec3 component_color(int index) {
  // Golden-angle hues with a cycle of five shades (saturation, value): the nearest hues (5, 8, 13
  // and 21 steps apart) then either differ in shade or lie 32 degrees apart. The first 32 are at
  // least 17 CIELAB units from each other and 40 from white.
  constexpr std::array<float, 2> kShades[5] = {
      {0.71F, 0.99F}, {0.52F, 0.82F}, {0.84F, 0.83F}, {0.87F, 0.58F}, {1.0F, 0.96F}};
  const auto [saturation, value] = kShades[index % 5];
  const float hue = std::fmod(0.58F + 0.61803399F * static_cast<float>(index), 1.0F) * 6.0F;
  Vec3 color;
  for (int c = 0; c < 3; ++c) {
    // HSV to RGB, one channel: Alvy Ray Smith, SIGGRAPH 1978, in its branchless form.
    const float k = std::fmod(5.0F - 2.0F * static_cast<float>(c) + hue, 6.0F);
    const float ramp = std::clamp(std::min(k, 4.0F - k), 0.0F, 1.0F);
    color[c] = value * (1.0F - saturation * ramp);
  }
  return color;
}

}  // namespace moca::mesh
