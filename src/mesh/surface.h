#pragma once

#include <Eigen/Geometry>
#include <array>
#include <cstdint>
#include <vector>

#include "paint.h"

namespace moca::mesh {

// Triangles as a file has them, in double: what places them is applied before they become float.
struct Surface {
  std::vector<Eigen::Vector3d> points;
  std::vector<std::array<uint32_t, 3>> faces;
  Paint paint;  // of every face

  // Gives all faces one colour and no texture.
  void paint_all(const Eigen::Vector3f& color);
  // Further points with faces that index them, placed by the pose. One that mirrors turns faces
  // inside out; swapping two corners, with their paint, turns them back.
  void append(Surface more, const Eigen::Affine3d& pose);
  // The others keep their order.
  void drop_unused_points();
};

}  // namespace moca::mesh
