#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace moca::mesh {

struct Paint;

using Vec3 = Eigen::Vector3f;

// Triangles with counter-clockwise corners seen from outside.
struct TriangleMesh {
  std::vector<Vec3> vertices;                 // V points
  std::vector<std::array<int32_t, 3>> faces;  // F triples of vertex indices

  bool empty() const { return faces.empty(); }
};

// One part of an object or instance in a scene.
struct Component {
  std::string name;
  TriangleMesh mesh;
  Vec3 color = Vec3(0.7F, 0.7F, 0.7F);           // RGB in [0, 1], the mean where there is `paint`
  std::shared_ptr<const Paint> paint = nullptr;  // of the mesh's faces; null: all of one colour
};

// A whole asset: its components in one shared frame. Right-handed, Y up, in [-1, 1] once
// normalised.
struct Scene {
  std::vector<Component> components;
  // Where the vertices' (0, 0, 0) is in the file's frame. Not zero only for scenes so far out that
  // floats would not hold their shape.
  Eigen::Vector3d origin = Eigen::Vector3d::Zero();
};

struct Box {
  Vec3 low = Vec3::Zero();
  Vec3 high = Vec3::Zero();
};

}  // namespace moca::mesh
