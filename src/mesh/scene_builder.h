#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moca/mesh/triangle_mesh.h"
#include "surface.h"

namespace moca::mesh {

// A component where its file places it.
struct PlacedComponent {
  std::string name;
  Surface surface;
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
  Eigen::Vector3d origin() const;

  std::filesystem::path file_;
  std::vector<PlacedComponent> components_;
};

}  // namespace moca::mesh
