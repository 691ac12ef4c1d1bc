#include "surface.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace moca::mesh {
namespace {

void append_textures(Paint& paint, size_t num_faces, const Paint& more) {
  if (paint.textures.empty() && more.textures.empty()) {
    return;
  }
  paint.face_texture.resize(num_faces, -1);
  paint.uv.resize(num_faces);
  const auto offset = static_cast<int32_t>(paint.textures.size());
  for (const int32_t texture : more.face_texture) {
    paint.face_texture.push_back(texture < 0 ? -1 : texture + offset);
  }
  paint.uv.insert(paint.uv.end(), more.uv.begin(), more.uv.end());
  paint.textures.insert(paint.textures.end(), more.textures.begin(), more.textures.end());
  paint.face_texture.resize(num_faces + more.colors.size(), -1);
  paint.uv.resize(num_faces + more.colors.size());
}

}  // namespace

void Surface::paint_all(const Eigen::Vector3f& color) {
  paint = {};
  paint.colors.assign(faces.size(), {color, color, color});
}

void Surface::append(Surface more, const Eigen::Affine3d& pose) {
  if (pose.linear().determinant() < 0) {
    const auto turn = [](auto& corners) { std::swap(corners[1], corners[2]); };
    std::ranges::for_each(more.faces, turn);
    std::ranges::for_each(more.paint.colors, turn);
    std::ranges::for_each(more.paint.uv, turn);
  }
  const auto offset = static_cast<uint32_t>(points.size());
  append_textures(paint, faces.size(), more.paint);
  std::ranges::transform(more.points, std::back_inserter(points),
                         [&](const auto& point) -> Eigen::Vector3d { return pose * point; });
  for (const auto& [a, b, c] : more.faces) {
    faces.push_back({offset + a, offset + b, offset + c});
  }
  paint.colors.insert(paint.colors.end(), more.paint.colors.begin(), more.paint.colors.end());
}

void Surface::drop_unused_points() {
  constexpr uint32_t kUnused = std::numeric_limits<uint32_t>::max();
  std::vector<uint32_t> target(points.size(), kUnused);
  for (const auto& face : faces) {
    for (const uint32_t corner : face) {
      target[corner] = 0;
    }
  }
  if (std::ranges::count(target, kUnused) == 0) {
    return;
  }
  std::vector<Eigen::Vector3d> used;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] != kUnused) {
      target[i] = static_cast<uint32_t>(used.size());
      used.push_back(points[i]);
    }
  }
  for (auto& face : faces) {
    for (uint32_t& corner : face) {
      corner = target[corner];
    }
  }
  points = std::move(used);
}

}  // namespace moca::mesh
