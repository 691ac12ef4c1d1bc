#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

// A component where its file places it, in double.
struct PlacedComponent {
  std::string name;
  Vec3 color = Component().color;
  std::vector<Eigen::Vector3d> points;
  std::vector<std::array<uint32_t, 3>> faces;

  // Further points with faces that index them.
  void append(const std::vector<Eigen::Vector3d>& more,
              const std::vector<std::array<uint32_t, 3>>& their_faces);
};

// Takes a file's components one by one, refuses broken ones and leaves out those without faces and
// the points that no face uses.
class SceneBuilder {
 public:
  explicit SceneBuilder(std::filesystem::path file) : file_(std::move(file)) {}

  // The name that a component without one of its own gets.
  std::string default_name() const;
  void add(PlacedComponent component);
  Scene finish();

 private:
  std::filesystem::path file_;
  std::vector<PlacedComponent> components_;
  std::set<std::string> names_;
};

}  // namespace moca::mesh
